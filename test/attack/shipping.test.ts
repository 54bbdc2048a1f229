// Places to ship to that fail in the worst way: a server that takes the connection and never reads, and a disk that is
// full. Neither may slow or refuse a request, take memory, or lose an entry.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createRenderer, createShipper, type ShipTarget } from '../../src/audit/index.ts'
import { createLogFile, createSyslogStream } from '../../src/links/index.ts'
import { seconds } from '../../src/time.ts'
import { aRoom, World } from '../support/world.ts'

/** Longer than any entry, so that the system's own buffers are full after a few hundred. */
const PADDING = ' '.repeat(8192)

const shipperIn = (world: World, target: ShipTarget, padding: string, longestPauseMs: number) => {
  const render = createRenderer({ layout: 'json', version: '1' })
  let largestRead = 0
  const shipper = createShipper({
    destination: 'siem',
    holder: 'me',
    source: {
      read: async (from, limit) => {
        const entries = await world.store.read((tx) => tx.audit.read(from, limit))
        largestRead = Math.max(largestRead, entries.length)
        return entries
      },
      cursor: async () => (await world.store.read((tx) => tx.shipping.cursors()))[0],
      write: (work) => world.store.transact((tx) => work(tx.shipping)),
    },
    target,
    wants: () => true,
    render: (entry) => `${render(entry)}${padding}`,
    now: () => world.now(),
    elapsedMs: () => performance.now(),
    pause: async (length, signal) => {
      await setTimeout(Math.min(length, longestPauseMs), undefined, { signal }).catch(
        () => undefined,
      )
    },
    jitter: () => 0,
  })
  const cursor = async () => (await world.store.read((tx) => tx.shipping.cursors()))[0]?.sequence
  return { shipper, cursor, largestRead: () => largestRead }
}

/** Fifty requests at once, as a core posts them; every one is answered with its key. */
const storm = async (world: World, waves: number): Promise<void> => {
  const device = await world.signedIn('alice')
  const { key } = await aRoom(device)
  for (let wave = 0; wave < waves; wave += 1) {
    const asked = Array.from({ length: 50 }, () => device.ask('retrieve', key.uri))
    const statuses = (await Promise.all(asked)).map((answer) => answer['status'])
    assert.deepEqual(new Set(statuses), new Set([200]))
  }
}

const newest = async (world: World) => (await world.store.read((tx) => tx.audit.head())).sequence

const assertAllInOrder = async (world: World, lines: readonly string[]): Promise<void> => {
  const parsed: readonly { sequence: number; entry: unknown }[] = lines.map((line) =>
    JSON.parse(line),
  )
  const order = [...new Set(parsed.map(({ sequence }) => sequence))]
  const bodies = new Map(parsed.map(({ sequence, entry }) => [sequence, entry] as const))
  const entries = await world.entries()
  assert.deepEqual(
    order,
    Array.from(entries, (_, index) => index + 1),
  )
  assert.deepEqual(
    order.map((sequence) => bodies.get(sequence)),
    entries,
  )
}

const aDeafServer = async () => {
  const sockets: Socket[] = []
  const received: Buffer[] = []
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => received.push(chunk))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    listen: () => {
      for (const socket of sockets) socket.resume()
    },
    lines: () => Buffer.concat(received).toString().split('\n').slice(0, -1),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await setTimeout(20)
}

describe('a server that never reads', () => {
  test('slows no request, takes no memory and costs no entry', async () => {
    const world = await World.open()
    const server = await aDeafServer()
    const target = createSyslogStream({
      ...{ host: '127.0.0.1', port: server.port, framing: 'newline' },
      concludeAfter: seconds(3600),
      giveUpAfter: seconds(3600),
    })
    const { shipper, cursor, largestRead } = shipperIn(world, target, PADDING, 5000)
    const stopping = new AbortController()
    try {
      await storm(world, 20)
      const running = shipper.run(stopping.signal)
      // The buffers of the system fill up, and then nothing moves any more.
      await until(() => largestRead() > 1)
      let stuck = -1
      while (stuck !== shipper.progress().written) {
        stuck = shipper.progress().written
        await setTimeout(300)
      }
      const before = process.memoryUsage()
      const recorded = await newest(world)
      await storm(world, 40)
      const grown = process.memoryUsage()
      assert.equal(shipper.progress().written, stuck)
      assert.ok((await newest(world)) >= recorded + 2000)
      assert.ok(stuck < recorded + 2000)
      assert.equal(await cursor(), 0)
      assert.ok(largestRead() <= 256)
      // What waits is 17 MB of lines.
      const heldBytes = grown.external + grown.arrayBuffers - before.external - before.arrayBuffers
      assert.ok(heldBytes < 12 * 1024 * 1024, `${heldBytes}`)

      server.listen()
      const last = await newest(world)
      await until(() => shipper.progress().written >= last)
      stopping.abort()
      await running
      assert.equal(await cursor(), last)
      await assertAllInOrder(world, server.lines())
    } finally {
      stopping.abort()
      server.close()
      await world.close()
    }
  })
})

const mountpoint = mkdtempSync(join(tmpdir(), 'keyrealm-full-'))
const isMounted =
  process.getuid?.() === 0 &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mountpoint]).status === 0
after(() => {
  if (isMounted) spawnSync('umount', [mountpoint])
  rmSync(mountpoint, { recursive: true, force: true })
})
const skip = isMounted ? false : 'no small disk can be made here'

describe('a full disk', { skip }, () => {
  test('refuses no request, leaves no half line, and costs no entry', async () => {
    const world = await World.open()
    const file = join(mountpoint, 'logs', 'audit.log')
    const filler = join(mountpoint, 'filler')
    const limits = { rotateAtBytes: 1_000_000_000, keepFiles: 1, nowMs: () => world.now() }
    const target = createLogFile({ file, flush: 'delivery', ...limits })
    const { shipper, cursor } = shipperIn(world, { ...target, concludeAfter: seconds(0.1) }, '', 50)
    const run = () => shipper.run(new AbortController().signal)
    const lines = () => readFileSync(file, 'utf8').split('\n').slice(0, -1)
    try {
      await storm(world, 1)
      await run()
      const delivered = await cursor()
      writeFileSync(filler, Buffer.alloc(900_000))
      await storm(world, 1)
      for (let tries = 0; tries < 8; tries += 1) {
        await storm(world, 1)
        await run()
      }
      assert.equal(shipper.progress().lastError, 'links.ship-disk-full')
      for (const line of lines()) JSON.parse(line)

      rmSync(filler)
      for (let tries = 0; tries < 30 && (await cursor()) !== (await newest(world)); tries += 1)
        await run()
      assert.ok((delivered ?? 0) > 0)
      assert.equal(await cursor(), await newest(world))
      assert.equal(shipper.progress().state, 'idle')
      await assertAllInOrder(world, lines())
    } finally {
      await world.close()
    }
  })
})
