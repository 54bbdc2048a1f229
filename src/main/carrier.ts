// The carrier between realms, joined: certificates and lists from their folders, read again while running; questions to
// peers, and peers' questions. What may cross is federation's; nothing here decides about a key.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSecret, type Settings } from '../config/index.ts'
import { isPeerTrustProblem, type PeerTrust, readPeerTrust, sha256Hex } from '../crypto/index.ts'
import { Fault } from '../fault.ts'
import type { PeerLink, ServePeer } from '../federation/index.ts'
import {
  type CoreLink,
  createPeerLink,
  createPeerServer,
  dialPeer,
  type IncomingStream,
  type PeerServerOptions,
  type PeerTls,
} from '../links/index.ts'
import { createPeerListener } from '../listeners/index.ts'
import { type Job, type Log, type Part, systemClock } from '../runtime/index.ts'
import { seconds } from '../time.ts'

export type CarrierSettings = NonNullable<Settings['federation']['carrier']>

export interface CarrierParts {
  readonly settings: CarrierSettings
  readonly domain: string
  /** On the line to the core. */
  readonly openStream: CoreLink['openStream']
  readonly serve: ServePeer
  readonly onRefused?: PeerServerOptions['onRefused']
  readonly log: Log
}

export interface Carrier {
  readonly peers: PeerLink
  /** For `openCoreLink`: streams that peers open. */
  readonly onStream: (incoming: IncomingStream) => boolean
  /** Follows the folders of anchors and lists. */
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
  bodyBytes: 1024 * 1024,
  requestWithinMs: 10_000,
  idleMs: 90_000,
}
const LISTENER_LIMITS = { connections: 1024, connectionsPerRemote: 64 }
const HANDSHAKE_WITHIN_MS = 3000

const filesOf = (folder: string | undefined): readonly Uint8Array[] =>
  folder === undefined
    ? []
    : readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map(({ name }) => new Uint8Array(readFileSync(join(folder, name))))

/** Trust as the folders have it now; throws a Fault `main.peer-trust` for a file that cannot be relied upon. */
const readTrust = (settings: CarrierSettings) => {
  const anchors = filesOf(settings.trustFolder)
  const lists = filesOf(settings.crlFolder)
  const fingerprint = [...anchors, ...lists].map((file) => sha256Hex(file)).join()
  const load = (): PeerTrust => {
    const trust = readPeerTrust({
      anchors: anchors.map((file) => new TextDecoder().decode(file)),
      revocationLists: lists,
      isRevocationRequired: settings.requireCrl,
    })
    if (isPeerTrustProblem(trust)) throw new Fault('main.peer-trust')
    return trust
  }
  return { fingerprint, load }
}

const identityOf = ({ certificateFile, keyFile }: CarrierSettings) => ({
  chainPem: readFileSync(certificateFile, 'utf8'),
  keyPem: new TextDecoder().decode(readSecret({ file: keyFile })),
})

/** Reads certificates and folders; throws where they cannot be used. Opens nothing. */
export const joinCarrier = (parts: CarrierParts): Carrier => {
  const { settings, log } = parts
  const first = readTrust(settings)
  let { fingerprint } = first
  let trust = first.load()
  const identity = identityOf(settings)
  const tls: PeerTls = {
    ownDomain: parts.domain,
    identity: () => identity,
    trust: () => trust,
    isPostQuantumRequired: settings.tls.requirePostQuantum,
    handshakeWithinMs: HANDSHAKE_WITHIN_MS,
    now: () => systemClock.now(),
  }
  const ways = {
    direct: new Map(settings.direct.map(({ domain, host, port }) => [domain, { host, port }])),
    ...(settings.relay ? { relay: parts.openStream } : {}),
  }
  const peers = createPeerLink({
    ...{ tls, log, limits: LINK_LIMITS },
    dial: (domain, withinMs) => dialPeer(ways, domain, withinMs),
  })
  const { onRefused } = parts
  const server = createPeerServer({
    ...{ tls, log, limits: SERVER_LIMITS, serve: parts.serve },
    ...(onRefused === undefined ? {} : { onRefused }),
  })
  const reload = async (): Promise<void> => {
    const next = readTrust(settings)
    if (next.fingerprint === fingerprint) return
    // A file that cannot be used changes nothing, and the job that fails says so every time.
    trust = next.load()
    fingerprint = next.fingerprint
    log.info('peers.trust-reloaded')
    peers.recheck()
    server.recheck()
  }
  const listener =
    settings.listen &&
    createPeerListener({
      ...{ ...settings.listen, ...LISTENER_LIMITS, log },
      take: (socket) => server.take(socket, { carrier: 'direct' }),
    })
  return {
    peers,
    onStream: ({ from, stream }) =>
      settings.relay && server.take(stream, { claimed: from, carrier: 'relayed' }),
    jobs: [{ name: 'peer-trust', interval: RELOAD_EVERY, run: reload }],
    listeners: listener === undefined ? [] : [listener],
    close() {
      peers.close()
      server.close()
    },
  }
}
