// What happens between us and peers → metrics, and what is refused → the audit log and the process's own, both at a bounded rate. A
// series is made only for peers that the settings name: no stranger's name becomes one.

import type { Settings } from '../config/index.ts'
import { createTurnedAway, type PeerMeeting, type TurnedAway } from '../federation/index.ts'
import type { PeerEncounter, PeerWatch } from '../links/index.ts'
import type { Refusal, RefusalCode } from '../refusal.ts'
import type { Job, Log, Metrics } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import { type Realm, record } from './assembly.ts'

const FLUSH_EVERY = seconds(10)
/** Of the peers that settings name; each costs some fifty series. */
const PEERS_MEASURED = 100
const OTHERS = 'other'

export const joinTurnedAway = (realm: Realm, log: Log): TurnedAway =>
  createTurnedAway({
    record: (act) => {
      const { code = '', actor, details = {} } = act
      log.warn('peer.refused', { code, peer: actor.id ?? 'unknown', ...details })
      return record(realm, act)
    },
    now: realm.now,
  })

export const turnedAwayJob = (turnedAway: TurnedAway): Job => ({
  name: 'peers-turned-away',
  interval: FLUSH_EVERY,
  run: () => turnedAway.flush(),
})

const CODES: readonly RefusalCode[] = [
  'federation.certificate-missing',
  'federation.certificate-unfit',
  'federation.certificate-name',
  'federation.certificate-not-yet-valid',
  'federation.certificate-expired',
  'federation.certificate-revoked',
  'federation.certificate-untrusted',
  'federation.issuer-may-issue-authorities',
  'federation.crl-stale',
  'federation.crl-missing',
  'federation.anchors-unusable',
  'federation.key-exchange-classical',
  'federation.peer-broken',
  'federation.peer-timed-out',
  'federation.peer-floods',
  'federation.question-malformed',
]
const SIDES = ['us', 'peer'] as const
const EXCHANGES = ['hybrid', 'classical'] as const

/** Where settings name peers. */
export type NamedPeers = Pick<Settings['federation'], 'listed' | 'carrier'>

const namesOf = ({ listed, carrier }: NamedPeers): readonly string[] => {
  const named = [...(carrier?.direct ?? []).map(({ domain }) => domain), ...listed]
  return [...new Set(named)].slice(0, PEERS_MEASURED)
}

/** Values of a label `peer`. What is none of them is counted as the last. */
export const peerLabels = (federation: NamedPeers): readonly string[] => [
  ...namesOf(federation),
  OTHERS,
]

const measuresOf = (metrics: Metrics, peer: readonly string[]) => {
  const room = 'peers'
  return {
    open: metrics.gauge({
      ...{ room, thing: 'connections', unit: 'count', labels: { peer, begun_by: SIDES } },
      help: 'Connections with peers that are open.',
    }),
    handshakes: metrics.histogram({
      ...{ room, thing: 'handshakes', unit: 'seconds' },
      labels: { peer, begun_by: SIDES, exchange: EXCHANGES },
      help: 'Handshakes in which both ends proved their names.',
    }),
    refused: metrics.counter({
      ...{ room, thing: 'refused', unit: 'count', labels: { peer, begun_by: SIDES, code: CODES } },
      help: 'Connections and questions that were refused before anybody decided about a key.',
    }),
    answers: metrics.histogram({
      ...{ room, thing: 'answers', unit: 'seconds', labels: { peer } },
      help: 'From a question on an open connection to the whole answer.',
    }),
  }
}

/** What a certificate did not prove is counted under nobody's name, unless we called them. */
const nameIn = ({ begunBy, proven, claimed }: PeerMeeting): string =>
  proven ?? (begunBy === 'us' ? claimed : undefined) ?? OTHERS

export interface PeerWatchParts {
  readonly federation: NamedPeers
  readonly metrics: Metrics
  readonly log: Log
  readonly turnedAway: TurnedAway
}

export const createPeerWatch = (parts: PeerWatchParts): PeerWatch => {
  const { federation, metrics, log, turnedAway } = parts
  const names = peerLabels(federation)
  const measures = measuresOf(metrics, names)
  const open = new Map<string, number>()
  const seriesOf = (name: string): string => (names.includes(name) ? name : OTHERS)
  const count = ({ domain, begunBy }: PeerEncounter, change: 1 | -1): void => {
    const peer = seriesOf(domain)
    const series = `${begunBy} ${peer}`
    const left = (open.get(series) ?? 0) + change
    open.set(series, left)
    measures.open.set({ peer, begun_by: begunBy }, left)
  }
  return {
    refused(refusal: Refusal, meeting: PeerMeeting) {
      const code = refusal.refused
      measures.refused.add({ peer: nameIn(meeting), begun_by: meeting.begunBy, code })
      turnedAway.note(refusal, meeting).catch((error: unknown) => {
        log.error('peer.not-recorded', { code }, error)
      })
    },
    opened(encounter, took) {
      const { domain, begunBy, connection } = encounter
      const exchange = connection.tlsGroup.includes('MLKEM') ? 'hybrid' : 'classical'
      measures.handshakes.observe({ peer: domain, begun_by: begunBy, exchange }, took)
      count(encounter, 1)
    },
    closed: (encounter) => count(encounter, -1),
    answered: ({ domain }, took) => measures.answers.observe({ peer: domain }, took),
  }
}
