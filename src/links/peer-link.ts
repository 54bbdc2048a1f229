// Questions to peers: a few connections to each, kept while they are used, looked after while they are not. Every
// question ends in time, with an answer or a Refusal that says what went wrong; it is asked a second time at most.

import type { Duplex } from 'node:stream'
import type {
  PeerConnectionFacts,
  PeerDomain,
  PeerLink,
  PeerQuestion,
  PeerReply,
} from '../federation/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { isUnanswered, type Unanswered } from './peer-connection.ts'
import {
  createPools,
  encounterOf,
  idleOf,
  judgeAgain,
  type Kept,
  look,
  type Pool,
  type Pools,
  wake,
} from './peer-pool.ts'
import { type Carrier, connectPeer, type PeerTls } from './peer-tls.ts'
import type { PeerWatch } from './peer-watch.ts'

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
  readonly watch: PeerWatch
}

export interface OpenPeerLink extends PeerLink {
  /** Cuts connections whose certificate does not stand any more. */
  recheck(): void
  close(): void
  readonly connections: number
}

type Answer = (PeerReply & { readonly connection: PeerConnectionFacts }) | Refusal

export const createPeerLink = (options: PeerLinkOptions): OpenPeerLink => {
  const { tls, limits, watch } = options
  const pools = createPools(watch)
  const dial = createDial(options, pools)
  const means = { limits, watch, dial }
  const looking = setInterval(() => look(pools.all(), limits), limits.pingEveryMs)
  looking.unref()

  const ask = async (
    domain: PeerDomain,
    question: PeerQuestion,
    endsAtMs: number,
  ): Promise<Answer> => {
    const pool = pools.of(domain)
    if (pool.questions >= limits.questionsPerPeer) return refuse('federation.peer-busy', domain)
    pool.questions += 1
    try {
      return await askIn(pool, { domain, question, endsAtMs }, means)
    } finally {
      pool.questions -= 1
      wake(pool)
      pools.tidy(domain)
    }
  }
  return {
    ask(domain, question, deadline) {
      if (domain === tls.ownDomain) {
        return Promise.resolve(refuse('federation.peer-unreachable', domain))
      }
      const leftMs = Math.min(limits.answerWithinMs, deadline - tls.now())
      return ask(domain, question, performance.now() + Math.max(0, leftMs))
    },
    recheck() {
      for (const one of pools.all()) judgeAgain(one, watch)
    },
    close() {
      clearInterval(looking)
      pools.close()
    },
    get connections() {
      return pools.all().length
    },
  }
}

interface Asking {
  readonly domain: PeerDomain
  readonly question: PeerQuestion
  readonly endsAtMs: number
}

type Dial = (pool: Pool, domain: PeerDomain, withinMs: number) => Promise<Kept | Refusal>

interface Means {
  readonly limits: PeerLinkLimits
  readonly watch: PeerWatch
  readonly dial: Dial
}

const createDial =
  ({ tls, limits, watch, dial }: PeerLinkOptions, pools: Pools): Dial =>
  async (pool, domain, withinMs) => {
    const endsAtMs = performance.now() + withinMs
    try {
      // Its turn came when its time was over.
      if (withinMs <= 0) return refuse('federation.peer-timed-out', domain)
      const way = await dial(domain, withinMs)
      if (isRefusal(way)) return way
      const { raw, carrier } = way
      const since = performance.now()
      const peer = await connectPeer(raw, { domain, carrier, withinMs: endsAtMs - since }, tls)
      if (isRefusal(peer)) {
        const { certificateSha256 } = peer
        const shown = certificateSha256 === undefined ? {} : { certificateSha256 }
        watch.refused(peer, { begunBy: 'us', carrier, claimed: domain, ...shown })
        return peer
      }
      // It may have closed between its proof and now; then nothing would ever close it again.
      if (peer.socket.destroyed) return refuse('federation.peer-broken', domain)
      const seconds = (performance.now() - since) / 1000
      return pools.keep(pool, { peer, seconds, answerMaxBytes: limits.answerMaxBytes })
    } finally {
      pool.dialling -= 1
      wake(pool)
    }
  }

const askIn = async (pool: Pool, asking: Asking, means: Means): Promise<Answer> => {
  const { domain, endsAtMs } = asking
  const { watch } = means
  const leftMs = (): number => endsAtMs - performance.now()
  const warm = await idleOf(pool, { domain, endsAtMs }, means)
  if (isRefusal(warm)) return warm
  if (warm !== undefined) {
    // A connection that died unnoticed must leave time for another one.
    const outcome = await askOn(warm, asking, { watch, withinMs: leftMs() / 2 })
    if (!isUnanswered(outcome)) return outcome
    if (!outcome.wasSilent || leftMs() <= 0) return outcome.refusal
    pool.dialling += 1
  }
  return await askFresh(pool, asking, { ...means, triesLeft: warm === undefined ? 2 : 1 })

  async function askFresh(
    of: Pool,
    what: Asking,
    { triesLeft, ...rest }: Means & { readonly triesLeft: number },
  ): Promise<Answer> {
    const fresh = await rest.dial(of, domain, leftMs())
    if (isRefusal(fresh)) return fresh
    const outcome = await askOn(fresh, what, { watch, withinMs: leftMs() })
    if (!isUnanswered(outcome)) return outcome
    const isWorthAgain = outcome.wasSilent && !outcome.wasLate && triesLeft > 1 && leftMs() > 0
    if (!isWorthAgain) return outcome.refusal
    of.dialling += 1
    return await askFresh(of, what, { ...rest, triesLeft: triesLeft - 1 })
  }
}

const askOn = async (
  kept: Kept,
  { question }: Asking,
  { watch, withinMs }: { readonly watch: PeerWatch; readonly withinMs: number },
): Promise<Exclude<Answer, Refusal> | Unanswered> => {
  kept.usedAtMs = performance.now()
  const outcome = await kept.connection.ask(question, Math.max(1, withinMs))
  kept.isTaken = false
  if (isUnanswered(outcome)) return outcome
  watch.answered(encounterOf(kept), (performance.now() - kept.usedAtMs) / 1000)
  return { ...outcome, connection: kept.connection.peer.peer.connection }
}
