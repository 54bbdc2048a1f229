// Entries recorded in groups as the corridor commits them, beside bare durable insertions of the same bytes into the
// same table; and with checkpoints published meanwhile.

import { setTimeout } from 'node:timers/promises'
import { createRecorder, type Recorder } from '../../../src/audit/index.ts'
import { systemRandom } from '../../../src/crypto/index.ts'
import { createLedger } from '../../../src/kms/index.ts'
import { type OpenStore, openStore, type StoreSettings } from '../../../src/store/index.ts'
import { anAct, entryOf, GROUP, now, place, publisherOf, say } from './entries.ts'

const PUBLISH_EVERY_MS = 250

const group = Array.from({ length: GROUP }, (_, index) => anAct(index))
const bodies = group.map((_, index) => entryOf(index))

interface Measured {
  readonly perSecond: number
  /** Of this process: user and system, for one entry. */
  readonly cpuMicros: number
}

/** Groups one after the other, as the ledger does, at most `perSecond` entries. */
const measure = async (
  seconds: number,
  work: () => Promise<void>,
  perSecond = Number.POSITIVE_INFINITY,
): Promise<Measured> => {
  const start = performance.now()
  const cpu = process.cpuUsage()
  let groups = 0
  while (performance.now() - start < seconds * 1000) {
    await work()
    groups += 1
    const aheadMs = (groups * GROUP * 1000) / perSecond - (performance.now() - start)
    if (aheadMs > 0) await setTimeout(aheadMs)
  }
  const { user, system } = process.cpuUsage(cpu)
  const entries = groups * GROUP
  return {
    perSecond: (entries * 1000) / (performance.now() - start),
    cpuMicros: (user + system) / entries,
  }
}

/** The same bytes, durably, and nothing else of the log. */
const insertBare = (store: OpenStore): Promise<void> =>
  store.transact(async (tx) => {
    const { sequence } = await tx.audit.head()
    const entries = bodies.map((body, index) => ({ sequence: sequence + 1 + index, body }))
    await tx.audit.append(entries, place.time)
  })

/** Publishes beside the recording, as the appliance's job does; the age of what each checkpoint covers first. */
const startPublishing = (store: OpenStore, recorder: Recorder) => {
  const lags = { worstMs: 0 }
  const publisher = publisherOf(store, recorder)
  let isStopped = false
  const caughtUp = Promise.withResolvers<void>()
  const once = async (): Promise<void> => {
    const [oldest] = await store.read(async (tx) => tx.audit.read((await tx.tree.head()).size, 1))
    let step = await publisher.step()
    while (step.did === 'published' && step.isMore) step = await publisher.step()
    caughtUp.resolve()
    if (oldest === undefined) return
    const { time }: { time: string } = JSON.parse(oldest.body)
    lags.worstMs = Math.max(lags.worstMs, Date.now() - Date.parse(time))
  }
  const running = (async () => {
    while (!isStopped) {
      await once()
      await setTimeout(PUBLISH_EVERY_MS)
    }
  })()
  return {
    lags,
    caughtUp: caughtUp.promise,
    stop: async () => {
      isStopped = true
      await running
    },
  }
}

export interface AppendOptions {
  readonly name: string
  /** Entries a second that are aimed at. */
  readonly aim: number
  readonly seconds: number
  /** Of a fresh database. */
  readonly settings: () => StoreSettings
}

export const benchAppend = async (options: AppendOptions): Promise<void> => {
  const { name, aim, seconds } = options
  const bareStore = await openStore(options.settings())
  const bare = await measure(seconds, () => insertBare(bareStore))
  await bareStore.close()
  const store = await openStore(options.settings())
  const recorder = createRecorder('bench', 'node-1', systemRandom.uuid())
  const ledger = createLedger(store, recorder, now)
  const record = () => ledger.commit(async () => ({ result: undefined, acts: group }))
  const alone = await measure(seconds, record)
  const publishing = startPublishing(store, recorder)
  await publishing.caughtUp
  publishing.lags.worstMs = 0
  const paced = await measure(seconds, record, aim)
  const { worstMs } = publishing.lags
  const beside = await measure(seconds, record)
  await publishing.stop()
  await store.close()
  const cost = ({ perSecond, cpuMicros }: Measured) =>
    `${Math.round(perSecond)}/s, ${cpuMicros.toFixed(1)} µs of processor each`
  const share = (one: Measured) =>
    `${cost(one)}: ${(one.perSecond / bare.perSecond).toFixed(2)} of bare, by processor ${(bare.cpuMicros / one.cpuMicros).toFixed(2)}`
  say(`${name}: bare durable insertions ${cost(bare)}`)
  say(`${name}: recorded, unpublished   ${share(alone)}`)
  say(`${name}: recorded and published  ${share(beside)}`)
  say(
    `${name}: at ${Math.round(paced.perSecond)}/s of ${aim}/s asked, for ${seconds} s: to published at worst ${worstMs} ms`,
  )
}
