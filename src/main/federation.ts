// Joins the realm to others: what they are asked, how they are answered, and what goes on beside requests. How a peer is reached is
// handed in: a realm without a way to any works alone.

import { setTimeout } from 'node:timers/promises'
import { signStatement } from '../audit/index.ts'
import { systemRandom } from '../crypto/index.ts'
import {
  createForeignHome,
  createServePeer,
  type FederationPolicy,
  oweUses,
  type PeerLink,
  type PushTurns,
  pushWithdrawals,
  type ServeParts,
  type ServePeer,
  type Signer,
  tellUses,
} from '../federation/index.ts'
import { type ForeignHome, isDenial, retryBinds, type Told } from '../kms/index.ts'
import { isRefusal } from '../refusal.ts'
import type { Job, Metrics } from '../runtime/index.ts'
import { type Instant, seconds } from '../time.ts'
import type { Realm } from './assembly.ts'
import { type NamedPeers, peerLabels } from './peer-watch.ts'
import { originOf } from './published-log.ts'

/** Clients wait six seconds for everything; what is left is for both transactions and the way to the client. */
const PATIENCE = seconds(4.5)
const PUSH_EVERY = seconds(1)
const BIND_EVERY = seconds(5)
const USES_EVERY = seconds(5)
/** A removal is answered that late at most because a peer is. */
const REMOVED_WITHIN = seconds(1)

export const policyOf = ({ settings: { federation } }: Realm): FederationPolicy => ({
  mode: federation.mode,
  listed: new Set(federation.listed),
  claims: federation.claims,
  authorizationFreshFor: seconds(federation.authorizationFreshForSeconds),
  offlineGraceFor: seconds(federation.offlineGraceForSeconds),
  patience: PATIENCE,
})

const OUTCOMES = ['granted', 'denied', 'no-answer'] as const

const outcomeOf = ({ result }: Told): (typeof OUTCOMES)[number] => {
  if (!isRefusal(result)) return 'granted'
  return isDenial(result) ? 'denied' : 'no-answer'
}

/** By peer where settings name it: no name of a stranger becomes a series. */
export const watchQuestions = (
  federation: NamedPeers,
  metrics: Metrics,
): ((told: Told, now: Instant) => void) => {
  const asked = metrics.histogram({
    room: 'federation',
    thing: 'questions',
    unit: 'seconds',
    help: 'What peers were asked, how long it took, and what came of it.',
    labels: { peer: peerLabels(federation), outcome: OUTCOMES },
  })
  return (told, now) =>
    asked.observe(
      { peer: told.ask.domain, outcome: outcomeOf(told) },
      Math.max(0, now - told.askedAt) / 1000,
    )
}

/** Signs as the log that is written now: after an accepted restore it has another name. */
const signerOf = ({ settings, store, log }: Realm): Signer => ({
  async sign(statement) {
    const { signing } = log.keys
    if (signing === undefined) return undefined
    const { generation } = await store.read((tx) => tx.tree.head())
    return signStatement(statement, originOf(settings)(generation), signing)
  },
})

/** Pushes what is owed to peers; answers how many withdrawals that were. */
export type Push = () => Promise<number>

export const joinPush = ({ store, ledger, now, kms }: Realm, link: PeerLink): Push => {
  const turns: PushTurns = new Map()
  const newTrackingId = () => systemRandom.uuid()
  const parts = { store, ledger, link, now, domain: kms.domain }
  return () => pushWithdrawals({ ...parts, newTrackingId }, turns)
}

const removedBy = (push: Push): ForeignHome['removed'] => {
  const late = () => setTimeout(REMOVED_WITHIN, undefined, { ref: false })
  return async () => {
    // What breaks here breaks in the job too, and is logged there.
    await Promise.race([push().catch(() => undefined), late()])
  }
}

export interface PeerMeans {
  readonly link: PeerLink
  readonly push: Push
}

export const joinForeignHome = (
  realm: Realm,
  { link, push }: PeerMeans,
  metrics: Metrics,
): ForeignHome =>
  createForeignHome({
    domain: realm.kms.domain,
    policy: policyOf(realm),
    link,
    now: realm.now,
    onTold: watchQuestions(realm.settings.federation, metrics),
    removed: removedBy(push),
  })

/** What answers a peer whose certificate was accepted. */
export const joinServePeer = (
  realm: Realm,
  { desk, turnedAway }: Pick<ServeParts, 'desk' | 'turnedAway'>,
  onFault: (fault: unknown, trackingId: string) => void,
): ServePeer => {
  const { kms, store, ledger, keyring } = realm
  const isUnlocked = () => keyring.isUnlocked
  const parts = {
    domain: kms.domain,
    policy: policyOf(realm),
    desk,
    store,
    ledger,
    isUnlocked,
    signer: signerOf(realm),
    turnedAway,
  }
  return createServePeer(parts, onFault)
}

const pushJob = ({ store }: Realm, push: Push, metrics: Metrics): Job => {
  const owed = metrics.gauge({
    room: 'federation',
    thing: 'owed_withdrawals',
    unit: 'count',
    help: 'Withdrawals that peers have not acknowledged yet.',
  })
  return {
    name: 'push-withdrawals',
    interval: PUSH_EVERY,
    run: async () => {
      await push()
      owed.set({}, await store.read((tx) => tx.debts.countOwed()))
    },
  }
}

const usesJob = (realm: Realm, link: PeerLink, metrics: Metrics): Job => {
  const { store, ledger, now, kms } = realm
  const owed = metrics.gauge({
    room: 'federation',
    thing: 'owed_uses',
    unit: 'count',
    help: 'Entries about keys of peers that their homes have not acknowledged yet.',
  })
  const newTrackingId = () => systemRandom.uuid()
  const signer = signerOf(realm)
  const parts = { store, ledger, link, now, signer, newTrackingId, domain: kms.domain }
  return {
    name: 'tell-uses',
    interval: USES_EVERY,
    run: async (stopping) => {
      while ((await oweUses(parts)) && !stopping.aborted);
      while ((await tellUses(parts)) > 0 && !stopping.aborted);
      owed.set({}, await store.read((tx) => tx.receipts.countOwed()))
    },
  }
}

const bindJob = ({ store, ledger, now }: Realm, foreign: ForeignHome): Job => ({
  name: 'retry-binds',
  interval: BIND_EVERY,
  run: async () => {
    await retryBinds({ store, ledger, foreign }, now(), systemRandom.uuid())
  },
})

export const federationJobs = (
  realm: Realm,
  { link, push }: PeerMeans,
  foreign: ForeignHome,
  metrics: Metrics,
): readonly Job[] => [
  pushJob(realm, push, metrics),
  bindJob(realm, foreign),
  usesJob(realm, link, metrics),
]
