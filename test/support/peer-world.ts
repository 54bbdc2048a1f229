// Realms that speak to each other through the core's own relay, inside one process: the real streams, TLS and HTTP of both
// sides; only the WebSockets are left out. A test may stand where the core stands, and see or change what passes.

import { createServer } from 'node:net'
import { decodeCoreFrame, decodeRealmFrame, decodeStreamData } from '../../src/boundary/index.ts'
import type { DataLine } from '../../src/core/streams/line.ts'
import { openStreamRelay, type StreamRules } from '../../src/core/streams/relay.ts'
import { isPeerTrustProblem, readPeerTrust } from '../../src/crypto/index.ts'
import {
  type PeerDomain,
  type PeerMeeting,
  type PeerQuestion,
  parsePeerDomain,
  type ServePeer,
} from '../../src/federation/index.ts'
import {
  createPeerLink,
  createPeerServer,
  createPeerStreams,
  dialPeer,
  type PeerAddress,
  type PeerLinkLimits,
  type PeerServerLimits,
  type PeerTls,
  type PeerWatch,
  type PeerWay,
} from '../../src/links/index.ts'
import { isRefusal, type Refusal } from '../../src/refusal.ts'
import { silentLog } from '../../src/runtime/index.ts'
import { type Instant, instant } from '../../src/time.ts'
import { makePeerRealm, type PeerLeaf } from './peer-certificates.ts'

export const ACME = domainOf('kms.acme.example')
export const GLOBEX = domainOf('kms.globex.example')
export const INITECH = domainOf('kms.initech.example')
export const PATH = '/federation/v1/requests'

export function domainOf(raw: string): PeerDomain {
  const domain = parsePeerDomain(raw)
  if (domain === undefined) throw new Error(`${raw} is no domain`)
  return domain
}

/** What the core does with a message of data; undefined drops it. */
export type Tamper = (message: Uint8Array, to: string) => Uint8Array | undefined

export interface TestCore {
  readonly relay: ReturnType<typeof openStreamRelay>
  /** Everything the core relayed, by receiver. */
  readonly seen: { readonly to: string; readonly message: Uint8Array }[]
  tamper: Tamper
  /** How long it holds each message of data back. */
  delayMs: number
  /** Where an opening really goes. */
  redirect: (to: string) => string
  /** Ends a stream of that realm, and tells both ends. */
  abort(domain: string, stream: number): void
  connect(
    domain: string,
    onFrame: (text: string) => void,
    onData: (m: Uint8Array) => void,
  ): CoreSide
}

interface CoreSide {
  say(text: string): void
  sendData(message: Uint8Array): void
  cut(): void
}

export const makeCore = (rules: Partial<StreamRules> = {}): TestCore => {
  const known = new Set<string>()
  const lines = new Map<string, DataLine>()
  const core: TestCore = {
    relay: openStreamRelay({
      isRealm: (domain) => known.has(domain),
      perRealm: 128,
      perPair: 32,
      opensPerSecond: 1_000_000,
      acceptWithinMs: 1000,
      now: () => instant(0),
      onCount: () => undefined,
      ...rules,
    }),
    seen: [],
    tamper: (message) => message,
    delayMs: 0,
    redirect: (to) => to,
    abort(domain, stream) {
      const line = lines.get(domain)
      if (line === undefined) return
      const frame = { type: 'stream-abort', stream, code: 'closed' } as const
      core.relay.take(domain, frame, line)
      line.send(JSON.stringify(frame))
    },
    connect(domain, onFrame, onData) {
      known.add(domain)
      // A turn of the event loop for each message, in order: like a network, only faster.
      const line: DataLine = {
        send: (text) => void setImmediate(() => onFrame(text)),
        sendData(message, done) {
          core.seen.push({ to: domain, message })
          const passed = core.tamper(message, domain)
          const pass = (): void => {
            if (passed !== undefined) onData(passed)
            done()
          }
          if (core.delayMs === 0) setImmediate(pass)
          else setTimeout(pass, core.delayMs)
        },
      }
      lines.set(domain, line)
      core.relay.lineUp(domain, line)
      return {
        say(text) {
          const frame = decodeRealmFrame(text)
          if (isRefusal(frame) || !frame.type.startsWith('stream-')) throw new Error(text)
          if (frame.type === 'stream-open') {
            core.relay.take(domain, { ...frame, to: core.redirect(frame.to) }, line)
          } else if (isStreamFrame(frame)) core.relay.take(domain, frame, line)
        },
        sendData(message) {
          const data = decodeStreamData(message)
          if (data === undefined) throw new Error('bad data')
          core.relay.takeData(domain, data, line)
        },
        cut: () => core.relay.lineDown(domain, line),
      }
    },
  }
  return core
}

type RealmStreamFrame = Parameters<ReturnType<typeof openStreamRelay>['take']>[1]
const isStreamFrame = (frame: { readonly type: string }): frame is RealmStreamFrame =>
  frame.type.startsWith('stream-')

/** Anchors of single domains. */
export type Tied = ReadonlyMap<string, readonly string[]>

export interface TestRealmWishes {
  readonly core: TestCore
  readonly domain: PeerDomain
  readonly leaf: Pick<PeerLeaf, 'chainPem' | 'keyPem'>
  readonly anchors: readonly string[]
  readonly tied?: Tied
  readonly serve?: ServePeer
  readonly isPostQuantumRequired?: boolean
  readonly isRevocationRequired?: boolean
  /** In place of the core and of TCP. */
  readonly dial?: (to: PeerDomain, withinMs: number) => Promise<PeerWay>
  readonly link?: Partial<PeerLinkLimits>
  readonly server?: Partial<PeerServerLimits>
  readonly direct?: ReadonlyMap<string, PeerAddress>
  readonly now?: () => Instant
}

const LINK: PeerLinkLimits = {
  connectionsPerPeer: 4,
  questionsPerPeer: 64,
  answerMaxBytes: 1024 * 1024,
  answerWithinMs: 2000,
  pingEveryMs: 60_000,
  pingWithinMs: 200,
  idleMs: 60_000,
}
const SERVER: PeerServerLimits = {
  perPeer: 8,
  handshakes: 16,
  handshakesOfOne: 16,
  questionsPerSecond: 1_000_000,
  questionsAtOnce: 1_000_000,
  bodyBytes: 256 * 1024,
  requestWithinMs: 2000,
  idleMs: 60_000,
}

export const makeRealm = (wishes: TestRealmWishes) => {
  const { core, domain, leaf } = wishes
  const refused: (Refusal & { readonly meeting: PeerMeeting })[] = []
  let isOpen = 0
  const watch: PeerWatch = {
    refused: (refusal, meeting) => void refused.push({ ...refusal, meeting }),
    opened: () => {
      isOpen += 1
    },
    closed: () => {
      isOpen -= 1
    },
    answered: () => undefined,
  }
  const asked: { readonly from: string; readonly request: PeerQuestion; readonly group: string }[] =
    []
  const now = wishes.now ?? (() => instant(Date.now()))
  let identity = { chainPem: leaf.chainPem, keyPem: leaf.keyPem }
  const isRevocationRequired = wishes.isRevocationRequired ?? false
  const trustOf = (anchors: readonly string[], lists: readonly string[], tied: Tied = new Map()) =>
    readTrust({ anchors, lists, tied, isRevocationRequired })
  let trust = trustOf(wishes.anchors, [], wishes.tied)
  const tls: PeerTls = {
    ownDomain: domain,
    identity: () => identity,
    trust: () => trust,
    isPostQuantumRequired: wishes.isPostQuantumRequired ?? false,
    handshakeWithinMs: 1500,
    now,
  }
  const serve: ServePeer = async (peer, request) => {
    asked.push({ from: peer.domain, request, group: peer.connection.tlsGroup })
    return (await wishes.serve?.(peer, request)) ?? { status: 200, body: { echo: request.body } }
  }
  const server = createPeerServer({
    tls,
    serve,
    limits: { ...SERVER, ...wishes.server },
    log: silentLog,
    watch,
  })
  let isUp = true
  const streams = createPeerStreams({
    voice: {
      isUp: () => isUp,
      say: (frame) => void setImmediate(() => isUp && side.say(JSON.stringify(frame))),
      sendData: (message, done) =>
        void setImmediate(() => {
          if (isUp) side.sendData(message)
          done()
        }),
    },
    onStream: ({ from, stream }) => server.take(stream, { claimed: from, carrier: 'relayed' }),
    most: 256,
  })
  const connect = () =>
    core.connect(
      domain,
      (text) => {
        const frame = decodeCoreFrame(text)
        if (!isRefusal(frame) && isStreamFrameOfCore(frame)) streams.take(frame)
      },
      (message) => {
        const data = decodeStreamData(message)
        if (data !== undefined) streams.takeData(data)
      },
    )
  let side = connect()
  const link = createPeerLink({
    tls,
    dial:
      wishes.dial ??
      ((to, withinMs) =>
        dialPeer({ direct: wishes.direct ?? new Map(), relay: streams.open }, to, withinMs)),
    limits: { ...LINK, ...wishes.link },
    watch,
  })
  return {
    domain,
    link,
    server,
    streams,
    asked,
    refused,
    /** Connections that were told of as opened, and not yet as closed. */
    told: () => isOpen,
    ask: (to: PeerDomain, body: unknown = {}, path = PATH) =>
      link.ask(to, { path, body, trackingId: 'T-1' }, instant(now() + 2000)),
    /** New files: connections are judged anew. */
    retrust(anchors: readonly string[], lists: readonly string[], tied?: Tied): void {
      trust = trustOf(anchors, lists, tied)
      link.recheck()
      server.recheck()
    },
    /** Ends every connection with peers, as for want of trust, and trusts them again. */
    hangUp(): void {
      const before = trust
      trust = trustOf([], [])
      link.recheck()
      server.recheck()
      trust = before
    },
    renew(next: Pick<PeerLeaf, 'chainPem' | 'keyPem'>): void {
      identity = { chainPem: next.chainPem, keyPem: next.keyPem }
    },
    cutLine(): void {
      isUp = false
      side.cut()
      streams.lineLost()
    },
    dialAgain(): void {
      side = connect()
      isUp = true
    },
    /** A TCP port for peers that come directly. */
    async listen() {
      const listener = createServer((raw) => {
        if (!server.take(raw, { address: '127.0.0.1', carrier: 'direct' })) raw.destroy()
      })
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
      const address = listener.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      return {
        host: '127.0.0.1',
        port: address.port,
        close: () => void listener.close(),
      }
    },
    close(): void {
      link.close()
      server.close()
      streams.lineLost()
    },
  }
}

type CoreStreamFrame = Parameters<ReturnType<typeof createPeerStreams>['take']>[0]
const isStreamFrameOfCore = (frame: { readonly type: string }): frame is CoreStreamFrame =>
  frame.type.startsWith('stream-')

interface TrustWishes {
  readonly anchors: readonly string[]
  readonly lists: readonly string[]
  readonly tied: Tied
  readonly isRevocationRequired: boolean
}

const readTrust = ({ anchors, lists, tied, isRevocationRequired }: TrustWishes) => {
  const trust = readPeerTrust({
    anchors,
    anchorsOf: tied,
    revocationLists: lists.map((pem) => new TextEncoder().encode(pem)),
    isRevocationRequired,
  })
  if (isPeerTrustProblem(trust)) throw new Error('unusable trust')
  return trust
}

/** Certificates of both, and the roots that both trust. */
export const makePeerPapers = async () => {
  const papers = {
    acme: await makePeerRealm(ACME),
    globex: await makePeerRealm(GLOBEX),
  }
  return { papers, anchors: [papers.acme.root.pem, papers.globex.root.pem] }
}

/** Acme and globex on one core, each trusting the other's root and its own. */
export const makePeerWorld = async (
  wishes: {
    readonly acme?: Partial<TestRealmWishes>
    readonly globex?: Partial<TestRealmWishes>
  } = {},
) => {
  const core = makeCore()
  const { papers, anchors } = await makePeerPapers()
  const acme = makeRealm({ core, domain: ACME, leaf: papers.acme.leaf, anchors, ...wishes.acme })
  const globex = makeRealm({
    ...{ core, domain: GLOBEX, leaf: papers.globex.leaf, anchors },
    ...wishes.globex,
  })
  return {
    core,
    papers,
    anchors,
    acme,
    globex,
    close(): void {
      acme.close()
      globex.close()
    },
  }
}

export const codeOf = (outcome: object): string =>
  isRefusal(outcome) ? outcome.refused : 'answered'

/** Waits for something that comes of itself. */
export const until = async (condition: () => boolean): Promise<void> => {
  const end = performance.now() + 5000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`it never came to that: ${condition}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
