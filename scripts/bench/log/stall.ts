// A syslog server that takes connections and reads nothing, while the realm records and publishes as fast as it can: what
// waits is in the log and nowhere else, so memory stays where it is. Then the server reads, and gets everything in order.

import { once } from 'node:events'
import { rmSync, statSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  createRecorder,
  createRenderer,
  createShipper,
  type Recorder,
} from '../../../src/audit/index.ts'
import { systemRandom } from '../../../src/crypto/index.ts'
import { createLedger } from '../../../src/kms/index.ts'
import { createSyslogStream } from '../../../src/links/index.ts'
import { type OpenStore, openStore } from '../../../src/store/index.ts'
import { seconds } from '../../../src/time.ts'
import { anAct, folder, GROUP, now, publisherOf, say } from './entries.ts'

/** The whole of it ends within ten minutes, whatever the machine. */
const RECORD_WITHIN_MS = 420_000
const DRAIN_FOR_MS = 60_000
const PUBLISH_EVERY_MS = 250
const MIB = 1024 * 1024

const aDeafServer = async () => {
  const sockets = new Set<Socket>()
  const seen = { isListening: false, last: 0, lines: 0, outOfOrder: 0 }
  const hear = (socket: Socket): void => {
    let rest = ''
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const sequence = Number(/ sequence="(\d+)"/.exec(line)?.[1])
        seen.lines += 1
        if (sequence > seen.last + 1) seen.outOfOrder += 1
        seen.last = Math.max(seen.last, sequence)
      }
    })
  }
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined)
    hear(socket)
    if (seen.isListening) socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    ...{ port: address.port, seen },
    listen: () => {
      seen.isListening = true
      for (const socket of sockets) socket.destroy()
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const shipperTo = (port: number, store: OpenStore) => {
  const syslog = { facility: 13, structuredDataId: 'keyrealm@32473' }
  return createShipper({
    destination: 'siem',
    holder: 'bench',
    source: {
      read: (after, limit) => store.read((tx) => tx.audit.read(after, limit)),
      cursor: async () => (await store.read((tx) => tx.shipping.cursors()))[0],
      write: (work) => store.transact((tx) => work(tx.shipping)),
    },
    target: createSyslogStream({
      ...{ host: '127.0.0.1', port, framing: 'newline' },
      concludeAfter: seconds(5),
      giveUpAfter: seconds(10),
    }),
    wants: () => true,
    render: createRenderer({ layout: 'json', version: 'bench', syslog }),
    now,
    elapsedMs: () => performance.now(),
    pause: (length, signal) =>
      setTimeout(Math.min(length, 5000), undefined, { signal }).catch(() => undefined),
    jitter: Math.random,
  })
}

/** Without the files that are mapped, which are the database's and the system's to keep. */
const heldMib = (): number => {
  const { heapUsed, external } = process.memoryUsage()
  return Math.round((heapUsed + external) / MIB)
}

interface Filled {
  readonly entries: number
  /** Heap and buffers at each tenth of the way, MiB. */
  readonly memory: readonly number[]
  readonly commitMs: readonly number[]
}

const fill = async (store: OpenStore, recorder: Recorder, count: number): Promise<Filled> => {
  const ledger = createLedger(store, recorder, now)
  const acts = Array.from({ length: GROUP }, (_, index) => anAct(index))
  const [memory, commitMs]: [number[], number[]] = [[], []]
  const begun = performance.now()
  const progress = () => Math.max(entries / count, (performance.now() - begun) / RECORD_WITHIN_MS)
  let entries = 0
  while (progress() < 1) {
    const start = performance.now()
    await ledger.commit(async () => ({ result: undefined, acts }))
    commitMs.push(performance.now() - start)
    entries += GROUP
    if (progress() * 10 >= memory.length + 1) memory.push(heldMib())
  }
  return { entries, memory, commitMs: commitMs.sort((left, right) => left - right) }
}

const forever = async (signal: AbortSignal, work: () => Promise<unknown>, pauseMs: number) => {
  while (!signal.aborted) {
    await work()
    await setTimeout(pauseMs)
  }
}

export const benchStall = async (count: number): Promise<void> => {
  const file = join(folder, 'stall.sqlite')
  const store = await openStore({ kind: 'sqlite', file })
  const server = await aDeafServer()
  const shipper = shipperTo(server.port, store)
  const over = new AbortController()
  const recorder = createRecorder('bench', 'node-1', systemRandom.uuid())
  const publisher = publisherOf(store, recorder)
  const publishAll = async (): Promise<void> => {
    let step = await publisher.step()
    while (step.did === 'published' && step.isMore) step = await publisher.step()
  }
  const publishing = forever(over.signal, publishAll, PUBLISH_EVERY_MS)
  const shipping = forever(over.signal, () => shipper.run(over.signal), 1000)
  const start = performance.now()
  const { entries, memory, commitMs } = await fill(store, recorder, count)
  const took = (performance.now() - start) / 1000
  const at = (share: number) => (commitMs[Math.floor(commitMs.length * share)] ?? 0).toFixed(1)
  say(
    `stall: ${entries} entries in ${Math.round(took)} s beside a server that reads nothing: ${Math.round(entries / took)}/s, a group of ${GROUP} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  )
  say(
    `stall: memory at each tenth, MiB: ${memory.join(' ')}; the log: ${Math.round(statSync(file).size / MIB)} MiB; delivered ${shipper.progress().deliveredAt === undefined ? 'nothing' : 'something'}`,
  )
  server.listen()
  const drainStart = performance.now()
  const cpuStart = process.cpuUsage()
  while (server.seen.last < entries && performance.now() - drainStart < DRAIN_FOR_MS) {
    await setTimeout(100)
  }
  const { lines, last, outOfOrder } = server.seen
  const { user, system } = process.cpuUsage(cpuStart)
  const cpu = ((user + system) / lines).toFixed(1)
  const perSecond = Math.round((lines * 1000) / (performance.now() - drainStart))
  say(
    `stall: then it reads: ${perSecond}/s, up to entry ${last}, ${outOfOrder} gaps, ${cpu} µs of processor each (both ends), memory ${heldMib()} MiB`,
  )
  over.abort()
  await Promise.all([publishing, shipping])
  server.close()
  await store.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}
