// Two realms of this process whose ways to each other are real: TLS over a TCP port, and TLS over streams that a real core relays on
// real WebSockets. Which way is taken is set for each measurement.

import { isPeerTrustProblem, readPeerTrust } from '../../../src/crypto/index.ts'
import { type PeerDomain, parsePeerDomain } from '../../../src/federation/index.ts'
import {
  type CoreLink,
  createPeerLink,
  createPeerServer,
  dialPeer,
  type IncomingStream,
  openCoreLink,
  type PeerTls,
} from '../../../src/links/index.ts'
import { createPeerListener } from '../../../src/listeners/index.ts'
import { createMetrics, silentLog, systemClock } from '../../../src/runtime/index.ts'
import { instant, seconds } from '../../../src/time.ts'
import { makePeerRealm, type PeerLeaf } from '../../../test/support/peer-certificates.ts'
import { TwoRealms } from '../../../test/support/two-realms.ts'
import { answersTo, helloOf } from '../../../test/system/core/fake-realm.ts'
import { ACME, type CoreWorld, GLOBEX, openCoreWorld } from '../../../test/system/core/world.ts'

export type Way = 'direct' | 'relayed'
type Organization = typeof ACME

const PATIENCE_MS = 4500
const STALE = seconds(6)
const LINK_LIMITS = {
  ...{ connectionsPerPeer: 4, questionsPerPeer: 256, answerMaxBytes: 8 * 1024 * 1024 },
  ...{ answerWithinMs: 5000, pingEveryMs: 60_000, pingWithinMs: 3000, idleMs: 60_000 },
}
const SERVER_LIMITS = {
  ...{ perPeer: 64, handshakes: 64, handshakesOfOne: 64, bodyBytes: 1024 * 1024 },
  ...{ questionsPerSecond: 1e6, questionsAtOnce: 1e6, requestWithinMs: 10_000, idleMs: 90_000 },
}
const NOBODY = { refused: () => {}, opened: () => {}, closed: () => {}, answered: () => {} }

const domainOf = ({ domain }: Organization): PeerDomain => {
  const parsed = parsePeerDomain(domain)
  if (parsed === undefined) throw new TypeError('no domain of a peer')
  return parsed
}

const trustIn = (anchors: readonly string[]) => {
  const trust = readPeerTrust({ anchors, revocationLists: [], isRevocationRequired: false })
  if (isPeerTrustProblem(trust)) throw new TypeError('unusable anchors')
  return trust
}

const tlsOf = (domain: string, leaf: PeerLeaf, anchors: readonly string[]): PeerTls => {
  const trust = trustIn(anchors)
  return {
    ...{ ownDomain: domain, identity: () => leaf, trust: () => trust, handshakeWithinMs: 5000 },
    ...{ isPostQuantumRequired: false, now: () => systemClock.now() },
  }
}

const lineOf = (
  { core, authority }: CoreWorld,
  { domain, organizationId }: Organization,
  onStream: (incoming: IncomingStream) => boolean,
): Promise<CoreLink> =>
  new Promise((resolve) => {
    const link = openCoreLink({
      url: `wss://localhost:${core.linkPort}`,
      tls: { ca: authority.ca, ...authority.client(domain) },
      hello: () => helloOf(domain, [organizationId]),
      handle: async (post) => answersTo(post, ''),
      withdraw: async ({ id }) => ({ type: 'answers', id, answers: [] }),
      onRosters: async () => undefined,
      onSearch: async ({ id }) => ({
        type: 'search-declined',
        id,
        status: 503,
        code: 'kms.locked',
      }),
      onNews: () => undefined,
      onOffboarded: async () => undefined,
      onState: (state) => state === 'up' && resolve(link),
      onStream,
      log: silentLog,
      metrics: createMetrics({ process: 'ignored' }),
      clock: systemClock,
    })
  })

/** Acme answers and globex asks. */
export const openPeers = async () => {
  const core = await openCoreWorld({ limits: { streamsOpenedPerSecond: 100_000 } })
  const realms = await TwoRealms.open()
  const [acme, globex] = [domainOf(ACME), domainOf(GLOBEX)]
  const papers = { acme: await makePeerRealm(acme), globex: await makePeerRealm(globex) }
  const anchors = [papers.acme.root.pem, papers.globex.root.pem]
  const server = createPeerServer({
    tls: tlsOf(acme, papers.acme.leaf, anchors),
    serve: async (peer, question) => {
      const reply = await realms.askAs(peer.domain, acme, question)
      return 'refused' in reply ? { status: 500, body: {} } : reply
    },
    ...{ limits: SERVER_LIMITS, log: silentLog, watch: NOBODY },
  })
  const listener = createPeerListener({
    ...{ host: '127.0.0.1', port: 0, connections: 1000, connectionsPerRemote: 1000 },
    take: (socket, address) => server.take(socket, { address, carrier: 'direct' }),
    log: silentLog,
  })
  await listener.start()
  const answering = await lineOf(core, ACME, ({ from, stream }) =>
    server.take(stream, { claimed: from, carrier: 'relayed' }),
  )
  const asking = await lineOf(core, GLOBEX, () => false)
  const place = { host: '127.0.0.1', port: listener.port() }
  const dialBy = (way: Way) => (to: PeerDomain, withinMs: number) =>
    dialPeer(
      { direct: new Map(way === 'direct' ? [[acme, place]] : []), relay: asking.openStream },
      to,
      withinMs,
    )
  const tls = tlsOf(globex, papers.globex.leaf, anchors)
  const newLink = (way: Way) =>
    createPeerLink({ tls, dial: dialBy(way), limits: LINK_LIMITS, watch: NOBODY })
  const links = { direct: newLink('direct'), relayed: newLink('relayed') }
  const take = (way: Way): void => {
    realms.crossings.length = 0
    // What globex knows of its user is too old by then: it asks again.
    realms.advance(STALE)
    realms.onLine = ({ question }) =>
      links[way].ask(acme, question, instant(Date.now() + PATIENCE_MS))
  }
  return {
    ...{ realms, papers, anchors, place, take },
    dial: (way: Way) => dialBy(way)(acme, PATIENCE_MS),
    /** Only the way: an answered ping. */
    ping: async (way: Way): Promise<void> => {
      const question = { path: '/federation/v1/ping', body: {}, trackingId: 'bench' }
      const reply = await links[way].ask(acme, question, instant(Date.now() + PATIENCE_MS))
      if ('refused' in reply) throw new Error(reply.refused)
    },
    /** The next question meets no open connection. */
    hangUp: (way: Way): void => {
      links[way].close()
      links[way] = newLink(way)
    },
    close: async (): Promise<void> => {
      for (const way of ['direct', 'relayed'] as const) links[way].close()
      server.close()
      await listener.stop()
      await Promise.all([answering.close(), asking.close()])
      await core.close()
      await realms.close()
    },
  }
}
