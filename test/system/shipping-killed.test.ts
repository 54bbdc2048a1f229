// A realm is killed (SIGKILL) while its log is on the way to a syslog server over TLS and to a file. The next start sends
// again what was not known to be delivered: everything arrives, in order, and whatever came twice says that it did.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createServer, type TLSSocket } from 'node:tls'
import { AUTHORITY, aClient, aServer } from '../support/log-certificates.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { parseSyslog } from '../unit/audit/layouts/read-back.ts'

const KILLS = 2
const folder = mkdtempSync(join(tmpdir(), 'keyrealm-shipping-killed-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const put = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

interface Line {
  readonly sequence: number
  /** The entry, byte for byte. */
  readonly body: string
}

const toLine = (message: string): Line => {
  const { data, message: body } = parseSyslog(message)
  return { sequence: Number(data['sequence']), body }
}

/** Whole messages of one connection (RFC 6587 §3.4.1); what a kill cut off is no message. */
const messagesIn = (received: Buffer): readonly string[] => {
  const messages: string[] = []
  for (let at = 0; at < received.length; ) {
    const space = received.indexOf(' ', at)
    const end = space + 1 + Number(received.subarray(at, space))
    if (space < 0 || end > received.length) break
    messages.push(received.subarray(space + 1, end).toString())
    at = end
  }
  return messages
}

/** A server that keeps what it got, and calls when lines come. */
const aServerOfLines = async () => {
  const { certificatePem, keyPem } = aServer(['logs.acme.example'])
  const connections: Buffer[][] = []
  const sockets = new Set<TLSSocket>()
  let onLines: (() => void) | undefined
  const options = { cert: certificatePem, key: keyPem, ca: AUTHORITY.certificatePem }
  const server = createServer(
    { ...options, requestCert: true, minVersion: 'TLSv1.3' },
    (socket) => {
      const chunks: Buffer[] = []
      connections.push(chunks)
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        chunks.push(chunk)
        onLines?.()
        onLines = undefined
      })
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    nextLines: () =>
      new Promise<void>((resolve) => {
        onLines = resolve
      }),
    lines: (): readonly Line[] =>
      connections.flatMap((chunks) => messagesIn(Buffer.concat(chunks)).map(toLine)),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const shipTo = (port: number) => {
  const client = aClient()
  const tls = {
    caFile: put('ca.pem', AUTHORITY.certificatePem),
    serverName: 'logs.acme.example',
    certificateFile: put('client.pem', client.certificatePem),
    keyFile: put('client-key.pem', client.keyPem),
  }
  // Seconds pass between a line and the knowledge that it arrived: a kill falls in between.
  const syslog = { kind: 'syslog-tls', host: '127.0.0.1', port, confirmEverySeconds: 2, tls }
  const archive = { kind: 'file', file: join(folder, 'audit.log'), layout: 'json' }
  return [
    { ...syslog, name: 'siem' },
    { ...archive, name: 'archive' },
  ]
}

/** Reading the log is recorded: a page is an entry. Nobody answers while the realm is dead. */
const someEntries = async (world: RunningWorld, count: number): Promise<void> => {
  for (let page = 0; page < count; page += 1) {
    await world.page(world.acme.logPort, '/log/entries?limit=1').catch(() => undefined)
  }
}

const hasCaughtUp = async (world: RunningWorld): Promise<boolean> => {
  const { body } = await world.page(world.acme.healthPort, '/metrics')
  const lines = body.split('\n')
  return ['siem', 'archive'].every((name) =>
    lines.includes(`realm_audit_ship_lag_count{destination="${name}"} 0`),
  )
}

const inFile = (): readonly Line[] => {
  const lines = readFileSync(join(folder, 'audit.log'), 'utf8').split('\n')
  assert.equal(lines.pop(), '', 'the file ends with a whole line')
  return lines.map((line) => {
    const { sequence }: { sequence: number } = JSON.parse(line)
    return { sequence, body: line.slice('{"entry":'.length, line.lastIndexOf(',"sequence":')) }
  })
}

/** Every entry, the first time it came, in order; a second time it says the same. */
const assertArrived = (lines: readonly Line[], entries: readonly object[]): void => {
  const bodies = new Map<number, string>()
  for (const { sequence, body } of lines) {
    assert.equal(bodies.get(sequence) ?? body, body, `entry ${sequence} came in two versions`)
    bodies.set(sequence, body)
  }
  assert.deepEqual(
    [...bodies.keys()],
    Array.from(bodies, (_, index) => index + 1),
    'each entry came before those after it, and none is missing',
  )
  assert.ok(bodies.size >= entries.length)
  const arrived = entries.map((_, index) => JSON.parse(bodies.get(index + 1) ?? ''))
  assert.deepEqual(arrived, entries)
}

test('a realm that is killed while it ships sends everything, in order, and what it sends twice is the same', async () => {
  const server = await aServerOfLines()
  const world = await startRunningWorld({ realm: () => ({ audit: { ship: shipTo(server.port) } }) })
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const arriving = server.nextLines()
      await someEntries(world, 30)
      await arriving
      await Promise.all([world.realm.restart(), someEntries(world, 10)])
    }
    const entries = await world.entries()
    const isThere = () => inFile().length >= entries.length && server.lines().length > 0
    const deadline = performance.now() + 60_000
    while (!((await hasCaughtUp(world)) && isThere())) {
      assert.ok(performance.now() < deadline, 'not delivered in time')
      await setTimeout(100)
    }
    const sent = server.lines()
    assertArrived(sent, entries)
    assertArrived(inFile(), entries)
    const again = sent.length - new Set(sent.map(({ sequence }) => sequence)).size
    assert.ok(again > 0, 'no kill fell between sending and knowing')
  } finally {
    await world.close()
    server.close()
  }
})
