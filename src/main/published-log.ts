// Joins the log: who integrates and signs it, what is kept of it outside the database, and how far behind
// publishing is. It runs beside the requests and holds none of them up.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import {
  checkKept,
  createPublisher,
  type KeptVerdict,
  type Publisher,
  type Recorder,
  signCheckpoint,
  waitedFor,
} from '../audit/index.ts'
import type { Settings } from '../config/index.ts'
import { type Keyring, LogKeys } from '../kms/index.ts'
import type { Job, Log, Metrics } from '../runtime/index.ts'
import type { OpenStore } from '../store/index.ts'
import { type Duration, type Instant, milliseconds, seconds } from '../time.ts'

export interface PublishedLog {
  readonly keys: LogKeys
  readonly publisher: Publisher
  /**
   * Integrates and publishes all there is, if the realm is unlocked. Where another process has the lease it waits for that
   * one to do it, or, since that one may have ended, for the lease to end.
   */
  publishAll(): Promise<void>
  /** Holds the database against the checkpoint kept outside it. */
  check(): Promise<KeptVerdict>
  /** For how long the oldest entry that is not published has been waiting. */
  lag(): Promise<Duration>
}

interface Parts {
  readonly settings: Settings
  readonly store: OpenStore
  readonly keyring: Keyring
  readonly recorder: Recorder
  /** Names this start of this process among those that share the database. */
  readonly boot: string
  readonly now: () => Instant
}

const HELD_FOR = seconds(5)
const RENEWED_AFTER = seconds(60)
/** Recorded to published: twice this and the work itself, well within a second. */
const PUBLISH_EVERY = milliseconds(250)
/** Then something is wrong, and the appliance is not ready. */
export const LAG_ALARM = seconds(10)

/** The log of a realm; a later generation is another log. */
export const originOf =
  ({ realm }: Settings) =>
  (generation: number): string =>
    generation === 1 ? `${realm.domain}/log` : `${realm.domain}/log/${generation}`

/** The generation that an origin of this realm names; 0 for any other. */
export const generationIn = ({ realm }: Settings, origin: string): number => {
  const first = `${realm.domain}/log`
  if (origin === first) return 1
  const number = origin.startsWith(`${first}/`) ? Number(origin.slice(first.length + 1)) : 0
  return Number.isSafeInteger(number) ? number : 0
}

export const keptFile = ({ realm }: Settings): string =>
  join(realm.stateDirectory, 'log-checkpoint')

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

const readKept = (settings: Settings): string | undefined => {
  try {
    return readFileSync(keptFile(settings), 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Put in place whole. Not flushed: losing the newest one to a power cut leaves an older, still true. */
const writeKept = (settings: Settings, note: string): void => {
  const file = keptFile(settings)
  writeFileSync(`${file}.new`, note, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

const waitingFor = async (store: OpenStore, now: Instant): Promise<Duration> => {
  const [entry] = await store.read(async (tx) => tx.audit.read((await tx.tree.head()).size, 1))
  return waitedFor(entry, now)
}

/** Holds a database against the checkpoint kept outside it. */
export const checkKeptLog = (store: OpenStore, settings: Settings): Promise<KeptVerdict> =>
  store.read((tx) => checkKept(tx, readKept(settings), originOf(settings)))

export const joinLog = ({ settings, store, keyring, recorder, boot, now }: Parts): PublishedLog => {
  const keys = new LogKeys(keyring)
  const publisher = createPublisher({
    database: store,
    holder: boot,
    originOf: originOf(settings),
    useKeys: (epoch) => keys.follow(epoch, () => store.read((tx) => tx.logKeys.all('log'))),
    sign: (checkpoint, moment) =>
      keys.signing && signCheckpoint(checkpoint, keys.signing, Math.floor(moment / 1000)),
    keep: (note) => writeKept(settings, note),
    recorded: recorder.unpublished,
    now,
    heldFor: HELD_FOR,
    renewedAfter: RENEWED_AFTER,
  })
  return {
    keys,
    publisher,
    publishAll: async () => {
      for (let waits = HELD_FOR / PUBLISH_EVERY + 1; waits > 0; ) {
        const { did } = await publisher.step()
        if (did === 'nothing' || did === 'locked') return
        if (did === 'published') continue
        waits -= 1
        await setTimeout(PUBLISH_EVERY)
      }
    },
    check: () => checkKeptLog(store, settings),
    lag: () => waitingFor(store, now()),
  }
}

/** Publishes a few times a second; measures how far behind it is, and says so when that is too far. */
export const publishJob = (published: PublishedLog, log: Log, metrics: Metrics): Job => {
  let lag = milliseconds(0)
  let isLate = false
  metrics.gaugeOf(
    {
      room: 'audit',
      thing: 'publish_lag',
      unit: 'seconds',
      help: 'How long the oldest entry that no checkpoint covers has been waiting.',
    },
    () => lag / 1000,
  )
  const measure = async (): Promise<void> => {
    lag = await published.lag()
    if (lag > LAG_ALARM !== isLate) {
      isLate = !isLate
      if (isLate) log.error('audit.publishing-is-late', { lagMs: lag })
      else log.info('audit.publishing-caught-up')
    }
  }
  return {
    name: 'publish-log',
    interval: PUBLISH_EVERY,
    run: async (stopping) => {
      try {
        let step = await published.publisher.step()
        while (step.did === 'published' && step.isMore && !stopping.aborted) {
          step = await published.publisher.step()
        }
        if (step.did === 'nothing' && lag === 0) return
      } finally {
        await measure()
      }
    },
  }
}
