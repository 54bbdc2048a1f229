// Questions to peers: a few connections to each, kept while they are used, looked after while they are not. Every
// question ends in time, with an answer or a Refusal that says what went wrong; it is asked a second time at most.

import type { Duplex } from 'node:stream'
import {
  PEER_PATHS,
  type PeerConnectionFacts,
  type PeerDomain,
  type PeerLink,
  type PeerQuestion,
  type PeerReply,
} from '../federation/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import type { Log } from '../runtime/index.ts'
import {
  createPeerConnection,
  isUnanswered,
  type PeerConnection,
  type Unanswered,
} from './peer-connection.ts'
import { type Carrier, connectPeer, type PeerTls } from './peer-tls.ts'

export interface PeerLinkLimits {
  readonly connectionsPerPeer: number
  /** Questions of ours that wait for one peer, those in work included. */
  readonly questionsPerPeer: number
  readonly answerMaxBytes: number
  /** Whatever the deadline: a client has gone after six seconds. */
  readonly answerWithinMs: number
  readonly pingEveryMs: number
  readonly pingWithinMs: number
  /** After the last question. */
  readonly idleMs: number
}

export interface PeerLinkOptions {
  readonly tls: PeerTls
  /** The bytes' way to a peer, or why there is none. Never rejects; `withinMs` bounds it. */
  dial(domain: PeerDomain, withinMs: number): Promise<{ raw: Duplex; carrier: Carrier } | Refusal>
  readonly limits: PeerLinkLimits
  readonly log: Log
}

export interface OpenPeerLink extends PeerLink {
  /** Cuts connections whose certificate does not stand any more. */
  recheck(): void
  close(): void
  readonly connections: number
}

interface Kept {
  readonly connection: PeerConnection
  usedAtMs: number
  /** Somebody is about to ask, or asks. */
  isTaken: boolean
}

/** What is known of one peer. */
interface Pool {
  readonly kept: Set<Kept>
  readonly waiting: (() => void)[]
  /** Places taken for connections that are being made; whoever dials has taken one. */
  dialling: number
  questions: number
}

type Answer = (PeerReply & { readonly connection: PeerConnectionFacts }) | Refusal

export const createPeerLink = (options: PeerLinkOptions): OpenPeerLink => {
  const { tls, limits } = options
  const pools = new Map<PeerDomain, Pool>()
  const poolOf = (domain: PeerDomain): Pool => {
    const known = pools.get(domain)
    if (known !== undefined) return known
    const pool = { kept: new Set<Kept>(), waiting: [], dialling: 0, questions: 0 }
    pools.set(domain, pool)
    return pool
  }
  const dial = createDial(options)
  const looking = setInterval(() => look(pools, limits), limits.pingEveryMs)
  looking.unref()

  const ask = async (
    domain: PeerDomain,
    question: PeerQuestion,
    endsAtMs: number,
  ): Promise<Answer> => {
    const pool = poolOf(domain)
    if (pool.questions >= limits.questionsPerPeer) return refuse('federation.peer-busy', domain)
    pool.questions += 1
    try {
      return await askIn(pool, { domain, question, endsAtMs }, { limits, dial })
    } finally {
      pool.questions -= 1
      wake(pool)
      if (pool.questions === 0 && pool.kept.size === 0) pools.delete(domain)
    }
  }
  const all = (): readonly Kept[] => [...pools.values()].flatMap(({ kept }) => [...kept])
  return {
    ask(domain, question, deadline) {
      if (domain === tls.ownDomain) {
        return Promise.resolve(refuse('federation.peer-unreachable', domain))
      }
      const leftMs = Math.min(limits.answerWithinMs, deadline - tls.now())
      return ask(domain, question, performance.now() + Math.max(0, leftMs))
    },
    recheck() {
      for (const { connection } of all()) {
        if (connection.peer.recheck() !== undefined) connection.close()
      }
    },
    close() {
      clearInterval(looking)
      for (const { connection } of all()) connection.close()
    },
    get connections() {
      return all().length
    },
  }
}

/** Pings what is idle, closes what nobody needs. */
const look = (pools: ReadonlyMap<PeerDomain, Pool>, limits: PeerLinkLimits): void => {
  for (const { kept } of pools.values()) {
    for (const one of kept) {
      if (one.isTaken) continue
      if (performance.now() - one.usedAtMs > limits.idleMs) one.connection.close()
      else void ping(pools, one, limits)
    }
  }
}

const ping = async (
  pools: ReadonlyMap<PeerDomain, Pool>,
  one: Kept,
  { pingWithinMs }: PeerLinkLimits,
): Promise<void> => {
  one.isTaken = true
  await one.connection.ask(PING, pingWithinMs)
  one.isTaken = false
  const pool = pools.get(one.connection.peer.peer.domain)
  if (pool !== undefined) wake(pool)
}

const PING: PeerQuestion = { path: PEER_PATHS.ping, body: {}, trackingId: 'ping' }

const wake = (pool: Pool): void => pool.waiting.shift()?.()

interface Asking {
  readonly domain: PeerDomain
  readonly question: PeerQuestion
  readonly endsAtMs: number
}

type Dial = (pool: Pool, domain: PeerDomain, withinMs: number) => Promise<Kept | Refusal>

interface Means {
  readonly limits: PeerLinkLimits
  readonly dial: Dial
}

const createDial =
  ({ tls, limits, log, dial }: PeerLinkOptions): Dial =>
  async (pool, domain, withinMs) => {
    const endsAtMs = performance.now() + withinMs
    try {
      const way = await dial(domain, withinMs)
      if (isRefusal(way)) return way
      const { raw, carrier } = way
      const leftMs = endsAtMs - performance.now()
      const peer = await connectPeer(raw, { domain, carrier, withinMs: leftMs }, tls)
      if (isRefusal(peer)) {
        log.warn('peer.not-proven', { refused: peer.refused, peer: domain, carrier })
        return peer
      }
      const onGone = (): void => {
        pool.kept.delete(kept)
        wake(pool)
      }
      const connection = createPeerConnection(peer, limits.answerMaxBytes, onGone)
      const kept: Kept = { connection, usedAtMs: performance.now(), isTaken: true }
      pool.kept.add(kept)
      return kept
    } finally {
      pool.dialling -= 1
      wake(pool)
    }
  }

const askIn = async (pool: Pool, asking: Asking, means: Means): Promise<Answer> => {
  const { domain, endsAtMs } = asking
  const leftMs = (): number => endsAtMs - performance.now()
  const warm = await idleOf(pool, asking, means)
  if (isRefusal(warm)) return warm
  if (warm !== undefined) {
    // A connection that died unnoticed must leave time for another one.
    const outcome = await askOn(warm, asking, leftMs() / 2)
    if (!isUnanswered(outcome)) return outcome
    if (!outcome.wasSilent || leftMs() <= 0) return outcome.refusal
    pool.dialling += 1
  }
  return await askFresh(pool, asking, { ...means, triesLeft: warm === undefined ? 2 : 1 })

  async function askFresh(
    of: Pool,
    what: Asking,
    { dial, limits, triesLeft }: Means & { readonly triesLeft: number },
  ): Promise<Answer> {
    const fresh = await dial(of, domain, leftMs())
    if (isRefusal(fresh)) return fresh
    const outcome = await askOn(fresh, what, leftMs())
    if (!isUnanswered(outcome)) return outcome
    const isWorthAgain = outcome.wasSilent && !outcome.wasLate && triesLeft > 1 && leftMs() > 0
    if (!isWorthAgain) return outcome.refusal
    of.dialling += 1
    return await askFresh(of, what, { dial, limits, triesLeft: triesLeft - 1 })
  }
}

/** An idle connection; undefined if one may be dialled, and the place for it is taken; waits while there is neither. */
const idleOf = async (
  pool: Pool,
  { domain, endsAtMs }: Asking,
  { limits }: Means,
): Promise<Kept | undefined | Refusal> => {
  for (;;) {
    for (const one of pool.kept) {
      if (one.isTaken || one.connection.isGone) continue
      one.isTaken = true
      // Trust may have changed since the last question.
      if (one.connection.peer.recheck() === undefined) return one
      one.connection.close()
    }
    if (pool.kept.size + pool.dialling < limits.connectionsPerPeer) {
      pool.dialling += 1
      return undefined
    }
    const leftMs = endsAtMs - performance.now()
    if (leftMs <= 0) return refuse('federation.peer-timed-out', domain)
    await turnOf(pool, leftMs)
  }
}

const turnOf = async (pool: Pool, withinMs: number): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, withinMs)
  pool.waiting.push(resolve)
  await promise
  clearTimeout(timer)
  const place = pool.waiting.indexOf(resolve)
  if (place >= 0) pool.waiting.splice(place, 1)
}

const askOn = async (
  kept: Kept,
  { question }: Asking,
  withinMs: number,
): Promise<Exclude<Answer, Refusal> | Unanswered> => {
  kept.usedAtMs = performance.now()
  const outcome = await kept.connection.ask(question, Math.max(1, withinMs))
  kept.isTaken = false
  if (isUnanswered(outcome)) return outcome
  return { ...outcome, connection: kept.connection.peer.peer.connection }
}
