// The connections that are kept to each peer: who uses which, who waits for one, and when they go. What is asked on them is the
// link's.

import { PEER_PATHS, type PeerDomain, type PeerQuestion } from '../federation/index.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { createPeerConnection, type PeerConnection } from './peer-connection.ts'
import type { PeerSocket } from './peer-tls.ts'
import { meetingOf, type PeerEncounter, type PeerWatch } from './peer-watch.ts'

export interface PoolLimits {
  readonly connectionsPerPeer: number
  readonly pingWithinMs: number
  /** After the last question. */
  readonly idleMs: number
}

export interface Kept {
  readonly pool: Pool
  readonly connection: PeerConnection
  usedAtMs: number
  /** Somebody is about to ask, or asks. */
  isTaken: boolean
}

/** What is known of one peer. */
export interface Pool {
  readonly domain: PeerDomain
  readonly kept: Set<Kept>
  readonly waiting: (() => void)[]
  /** Places taken for connections that are being made; whoever dials has taken one. */
  dialling: number
  questions: number
}

export interface Pools {
  of(domain: PeerDomain): Pool
  /** Forgets a peer that nobody asks and to whom nothing is open. */
  tidy(domain: PeerDomain): void
  /** A connection that has just proved its other end; whoever made it uses it first. */
  keep(pool: Pool, made: MadeConnection): Kept | Refusal
  all(): readonly Kept[]
  close(): void
}

export interface MadeConnection {
  readonly peer: PeerSocket
  /** How long its handshake took. */
  readonly seconds: number
  readonly answerMaxBytes: number
}

export const createPools = (watch: PeerWatch): Pools => {
  const pools = new Map<PeerDomain, Pool>()
  let isClosed = false
  const tidy = (domain: PeerDomain): void => {
    const pool = pools.get(domain)
    if (pool?.questions === 0 && pool.kept.size === 0) pools.delete(domain)
  }
  const all = (): readonly Kept[] => [...pools.values()].flatMap(({ kept }) => [...kept])
  return {
    of(domain) {
      const known = pools.get(domain)
      if (known !== undefined) return known
      const pool = { domain, kept: new Set<Kept>(), waiting: [], dialling: 0, questions: 0 }
      pools.set(domain, pool)
      return pool
    },
    tidy,
    keep(pool, { peer, seconds, answerMaxBytes }) {
      const onGone = (): void => {
        pool.kept.delete(kept)
        watch.closed(encounterOf(kept))
        wake(pool)
        tidy(pool.domain)
      }
      const connection = createPeerConnection(peer, answerMaxBytes, onGone)
      const kept: Kept = { pool, connection, usedAtMs: performance.now(), isTaken: true }
      pool.kept.add(kept)
      watch.opened(encounterOf(kept), seconds)
      if (!isClosed) return kept
      connection.close()
      return refuse('federation.peer-unreachable', pool.domain)
    },
    all,
    close() {
      isClosed = true
      for (const { connection } of all()) connection.close()
    },
  }
}

export const encounterOf = ({ connection }: Kept): PeerEncounter => ({
  ...connection.peer.peer,
  begunBy: 'us',
})

export const wake = (pool: Pool): void => pool.waiting.shift()?.()

/** True if its certificate still stands; else it is told of, and closed. */
export const judgeAgain = (one: Kept, watch: PeerWatch): boolean => {
  const no = one.connection.peer.recheck()
  if (no === undefined) return true
  if (!one.connection.isGone) watch.refused(no, meetingOf(encounterOf(one)))
  one.connection.close()
  return false
}

/** Pings what is idle, closes what nobody needs. */
export const look = (all: readonly Kept[], limits: PoolLimits): void => {
  for (const one of all) {
    if (one.isTaken) continue
    if (performance.now() - one.usedAtMs > limits.idleMs) one.connection.close()
    else void ping(one, limits)
  }
}

const ping = async (one: Kept, { pingWithinMs }: PoolLimits): Promise<void> => {
  one.isTaken = true
  await one.connection.ask(PING, pingWithinMs)
  one.isTaken = false
  wake(one.pool)
}

const PING: PeerQuestion = { path: PEER_PATHS.ping, body: {}, trackingId: 'ping' }

/** An idle connection; undefined if one may be dialled, and the place for it is taken; waits while there is neither. */
export const idleOf = async (
  pool: Pool,
  { domain, endsAtMs }: { readonly domain: PeerDomain; readonly endsAtMs: number },
  { limits, watch }: { readonly limits: PoolLimits; readonly watch: PeerWatch },
): Promise<Kept | undefined | Refusal> => {
  for (;;) {
    for (const one of pool.kept) {
      if (one.isTaken || one.connection.isGone) continue
      one.isTaken = true
      // Trust may have changed since the last question.
      if (judgeAgain(one, watch)) return one
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
