// The carrier between realms, joined: certificates and lists from their folders, read again while running; questions to
// peers, and peers' questions. What may cross is federation's; nothing here decides about a key.

import type { PeerTrust } from '../crypto/index.ts'
import type { PeerLink, ServePeer } from '../federation/index.ts'
import {
  type CoreLink,
  createPeerLink,
  createPeerServer,
  dialPeer,
  type HttpProxy,
  type IncomingStream,
  type PeerTls,
  type PeerWatch,
} from '../links/index.ts'
import { createPeerListener } from '../listeners/index.ts'
import { type Job, type Log, type Metrics, type Part, systemClock } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import {
  type CarrierSettings,
  loadSoundTrust,
  readIdentity,
  readTrustFiles,
} from './carrier-files.ts'

export interface CarrierParts {
  readonly settings: CarrierSettings
  readonly proxy?: HttpProxy
  readonly domain: string
  /** On the line to the core. */
  readonly openStream: CoreLink['openStream']
  readonly serve: ServePeer
  readonly watch: PeerWatch
  readonly metrics: Metrics
  readonly log: Log
}

export interface Carrier {
  readonly peers: PeerLink
  /** What peers are measured by at this moment. */
  trust(): PeerTrust
  /** For `openCoreLink`: streams that peers open. */
  readonly onStream: (incoming: IncomingStream) => boolean
  /** Follow the folders of anchors and lists, and our own certificate. */
  readonly jobs: readonly Job[]
  /** The direct port, if the settings open one. */
  readonly listeners: readonly Part[]
  close(): void
}

const RELOAD_EVERY = seconds(2)
const LINK_LIMITS = {
  connectionsPerPeer: 4,
  questionsPerPeer: 256,
  answerMaxBytes: 8 * 1024 * 1024,
  // Clients wait six seconds; what is left is for the rest of the way.
  answerWithinMs: 5000,
  pingEveryMs: 10_000,
  pingWithinMs: 3000,
  idleMs: 60_000,
}
const SERVER_LIMITS = {
  perPeer: 8,
  handshakes: 64,
  handshakesOfOne: 16,
  // A client's post is one question, of up to a hundred requests; a peer has eight connections, each with one question at a time.
  questionsPerSecond: 1000,
  questionsAtOnce: 2000,
  bodyBytes: 1024 * 1024,
  requestWithinMs: 10_000,
  idleMs: 90_000,
}
const LISTENER_LIMITS = { connections: 1024, connectionsPerRemote: 64 }
const HANDSHAKE_WITHIN_MS = 3000

/** The files as they are now, and jobs that follow them. */
const followFiles = ({ settings, domain, log, metrics }: CarrierParts, onTrust: () => void) => {
  const first = readTrustFiles(settings)
  let { fingerprint } = first
  let trust = loadSoundTrust(first, settings)
  let unusable = 0
  let identity = readIdentity(settings, domain)
  metrics.gaugeOf(
    {
      ...{ room: 'peers', thing: 'certificate_left', unit: 'seconds' },
      help: 'How long the certificate that proves this realm to its peers is still valid.',
    },
    () => (identity.validUntil - systemClock.now()) / 1000,
  )
  metrics.gaugeOf(
    {
      ...{ room: 'peers', thing: 'anchors_unusable', unit: 'count' },
      help: 'Folders of anchors that cannot be relied upon: nobody is accepted of the domain that one is named for, if that can be told.',
    },
    () => unusable,
  )
  // A file for everybody that cannot be used changes nothing, and the job that fails says so every time.
  const followTrust = async (): Promise<void> => {
    const next = readTrustFiles(settings)
    if (next.fingerprint === fingerprint) return
    const loaded = next.load()
    trust = loaded.trust
    unusable = loaded.problems.length
    fingerprint = next.fingerprint
    log.info('peers.trust-reloaded')
    for (const problem of loaded.problems) log.error('peers.anchors-unusable', { ...problem })
    onTrust()
  }
  // Connections that are open go on under the old one: nothing about it has become untrue.
  const followIdentity = async (): Promise<void> => {
    const next = readIdentity(settings, domain)
    if (next.chainPem === identity.chainPem && next.keyPem === identity.keyPem) return
    identity = next
    log.info('peers.identity-reloaded')
  }
  return {
    trust: () => trust,
    identity: () => identity,
    jobs: [
      { name: 'peer-trust', interval: RELOAD_EVERY, run: followTrust },
      { name: 'peer-identity', interval: RELOAD_EVERY, run: followIdentity },
    ],
  }
}

/** Reads certificates and folders; throws where they cannot be used. Opens nothing. */
export const joinCarrier = (parts: CarrierParts): Carrier => {
  const { settings, log, watch } = parts
  const files = followFiles(parts, () => {
    peers.recheck()
    server.recheck()
  })
  const tls: PeerTls = {
    ownDomain: parts.domain,
    identity: files.identity,
    trust: files.trust,
    isPostQuantumRequired: settings.tls.requirePostQuantum,
    handshakeWithinMs: HANDSHAKE_WITHIN_MS,
    now: () => systemClock.now(),
  }
  const ways = {
    direct: new Map(settings.direct.map(({ domain, host, port }) => [domain, { host, port }])),
    ...(settings.relay ? { relay: parts.openStream } : {}),
    ...(parts.proxy === undefined ? {} : { proxy: parts.proxy }),
  }
  const peers = createPeerLink({
    ...{ tls, watch, limits: LINK_LIMITS },
    dial: (domain, withinMs) => dialPeer(ways, domain, withinMs),
  })
  const server = createPeerServer({
    ...{ tls, log, watch, limits: SERVER_LIMITS, serve: parts.serve },
  })
  const listener =
    settings.listen &&
    createPeerListener({
      ...{ ...settings.listen, ...LISTENER_LIMITS, log },
      take: (socket, address) => server.take(socket, { address, carrier: 'direct' }),
    })
  return {
    peers,
    trust: files.trust,
    onStream: ({ from, stream }) =>
      settings.relay && server.take(stream, { claimed: from, carrier: 'relayed' }),
    jobs: files.jobs,
    listeners: listener === undefined ? [] : [listener],
    close() {
      peers.close()
      server.close()
    },
  }
}
