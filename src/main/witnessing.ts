// Joins witnesses: those that co-sign this realm's checkpoints, and the realm as a witness of others. Both run beside
// recording, publishing and releasing keys, and stop none of them: late witnesses are an alarm.

import {
  type AddCheckpoint,
  LogWitness,
  parseVkey,
  servedWitnessed,
  type VerifierKey,
  Witnesses,
} from '../audit/index.ts'
import { readNamedText, type Settings } from '../config/index.ts'
import { witnessAt } from '../links/index.ts'
import type { Job, Log, Metrics } from '../runtime/index.ts'
import { type Duration, milliseconds, seconds } from '../time.ts'
import type { Realm } from './assembly.ts'
import { CommandError } from './command-error.ts'
import { proxyOf } from './proxy.ts'
import { logStatus, witnessGauges } from './witness-status.ts'

export interface Witnessing {
  readonly jobs: readonly Job[]
  /** Enough witnesses have not vouched for the log for too long. */
  isAlarm(): boolean
  readonly addCheckpoint?: (raw: string) => Promise<AddCheckpoint>
}

/** What is new is shown to witnesses so often; not each second's checkpoint. */
const ASKED_EVERY = seconds(5)
const PAUSE_MAX = seconds(300)
const RENEWED_AFTER = seconds(60)
const DISPUTES_EVERY = seconds(60)
/** Then nobody outside vouches for the log of now, and somebody must look. */
export const WITNESSED_ALARM = seconds(600)

/** Signature types (C2SP signed-note, tlog-cosignature) that a key may have. */
const OF_LOGS = [0x01, 0x06]
const OF_WITNESSES = [0x04, 0x06]

const keyFrom = (vkey: string, types: readonly number[]): VerifierKey => {
  const key = parseVkey(vkey)
  if (key !== undefined && types.includes(key.type)) return key
  const name = vkey.split('+')[0] ?? ''
  throw new CommandError('main.invalid-vkey', `the key of ${name} in the settings is none for that`)
}

type WitnessesSettings = NonNullable<Settings['audit']['witnesses']>

/** Throws a CommandError `main.invalid-vkey`. */
const witnessesIn = ({ list }: WitnessesSettings) =>
  list.map(({ vkey, url, tlsCaFile }) => ({
    key: keyFrom(vkey, OF_WITNESSES),
    url,
    ...(tlsCaFile === undefined ? {} : { caPem: readNamedText(tlsCaFile) }),
  }))

/** Those that the settings name. */
export const witnessKeys = ({ settings }: Realm): readonly VerifierKey[] => {
  const { witnesses } = settings.audit
  return (witnesses?.list ?? []).map(({ vkey }) => keyFrom(vkey, OF_WITNESSES))
}

const joinWitnesses = (realm: Realm, asked: WitnessesSettings): Witnesses =>
  new Witnesses({
    witnesses: witnessesIn(asked).map(({ key, ...place }) => ({
      key,
      ask: witnessAt({ ...place, ...proxyOf(realm.settings) }),
    })),
    quorum: asked.quorum,
    database: realm.store,
    ledger: realm.ledger,
    now: realm.now,
    pause: ASKED_EVERY,
    pauseMax: PAUSE_MAX,
    renewedAfter: RENEWED_AFTER,
  })

/** How old the newest checkpoint is that enough witnesses vouch for; undefined before the first. */
export const witnessedAge = async ({ store, now }: Realm): Promise<Duration | undefined> => {
  const witnessed = await store.read(servedWitnessed)
  // A clock that was turned back makes nothing younger.
  return witnessed && milliseconds(Math.abs(now() - witnessed.witnessedAt))
}

/** Asks every few seconds; measures how old the answers are, and says so when that is too old. */
const witnessJob = (realm: Realm, asked: WitnessesSettings, log: Log, metrics: Metrics) => {
  const witnesses = joinWitnesses(realm, asked)
  const keys = witnessKeys(realm)
  const setGauges = witnessGauges(metrics, keys)
  const begun = realm.now()
  let age = milliseconds(0)
  let isLate = false
  metrics.gaugeOf(
    {
      room: 'audit',
      thing: 'witness_lag',
      unit: 'seconds',
      help: 'How old the newest checkpoint is that enough witnesses have co-signed.',
    },
    () => age / 1000,
  )
  const measure = async (): Promise<void> => {
    setGauges((await logStatus(realm, keys)).witnesses)
    age = (await witnessedAge(realm)) ?? milliseconds(realm.now() - begun)
    if (age > WITNESSED_ALARM === isLate) return
    isLate = !isLate
    if (isLate) log.error('audit.witnesses-are-late', { lagMs: age })
    else log.info('audit.witnesses-caught-up')
  }
  const job: Job = {
    name: 'witnesses',
    interval: ASKED_EVERY,
    run: async () => {
      try {
        for (const { witness, code } of await witnesses.round()) {
          if (code === '') log.info('audit.witness-cosigns-again', { witness })
          else log.error('audit.witness-does-not-cosign', { witness, code })
        }
      } finally {
        await measure()
      }
    },
  }
  return { job, isAlarm: () => isLate }
}

/** Throws a CommandError `main.invalid-vkey` for a key that is none. */
export const joinWitnessing = (realm: Realm, log: Log, metrics: Metrics): Witnessing => {
  const { witnesses, witness } = realm.settings.audit
  const asked = witnesses && witnessJob(realm, witnesses, log, metrics)
  const asking = {
    jobs: asked === undefined ? [] : [asked.job],
    isAlarm: () => asked?.isAlarm() ?? false,
  }
  if (witness === undefined) return asking
  const server = new LogWitness({
    logs: witness.logs.map((vkey) => keyFrom(vkey, OF_LOGS)),
    ledger: realm.ledger,
    signer: () => realm.witness.signer(),
    disputesEvery: DISPUTES_EVERY,
  })
  return { ...asking, addCheckpoint: (raw) => server.addCheckpoint(raw) }
}
