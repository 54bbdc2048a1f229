// Asking other realms for our own users (architecture: one trip for what arrives together). Questions to one peer that come in the
// same turn are one batch, so that the fifty keys of one post cost one request.

import type { ForeignHome, PeerAsk, Told } from '../kms/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { after, type Instant } from '../time.ts'
import { parseAnswers } from './answer.ts'
import { parsePeerDomain } from './domain.ts'
import { type FederationPolicy, policyRefusal } from './policy.ts'
import { PEER_PATHS, type PeerLink } from './ports.ts'
import { batchOf } from './question.ts'
import { statementIn } from './statements.ts'

/** Questions in one request to a peer. */
export const BATCH_MAX = 100

export interface HomeParts {
  /** Our own. */
  readonly domain: string
  readonly policy: FederationPolicy
  readonly link: PeerLink
  readonly now: () => Instant
  /** Told of every question, for the metrics of that peer. */
  readonly onTold?: (told: Told, now: Instant) => void
  /** Pushes what is owed, and waits no longer than whoever removed somebody can be made to wait. */
  readonly removed: ForeignHome['removed']
}

interface Waiting {
  readonly ask: PeerAsk
  readonly resolve: (told: Told) => void
}

interface Batch {
  readonly domain: string
  readonly trackingId: string
  readonly deadline: Instant
  readonly waiting: Waiting[]
}

const inPieces = <Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )

/** Keys without a good statement of whoever gave them are not taken. */
const withReceipt = <One extends Pick<Told, 'result'>>(
  one: One,
  place: number,
  signed: ReturnType<typeof statementIn>,
): One | (One & Pick<Told, 'receipt'>) => {
  if (isRefusal(one.result) || one.result.keys.length === 0) return one
  const entry = signed?.entries.find((stated) => stated.place === place)
  const position = signed?.entries[0]?.sequence
  const given = new Set<string>(one.result.keys.map(({ uri }) => uri))
  const isWhole = entry?.keys.length === given.size && entry.keys.every((key) => given.has(key))
  if (signed === undefined || entry === undefined || position === undefined || !isWhole) {
    for (const { secret } of one.result.keys) secret.wipe()
    return { ...one, result: refuse('federation.statement-wrong') }
  }
  return { ...one, receipt: { ...signed.signed, position, sequence: entry.sequence } }
}

export const createForeignHome = (parts: HomeParts): ForeignHome => {
  const { policy, link, now } = parts
  const batches = new Map<string, Batch>()

  const askPeer = async (
    { domain: raw, trackingId, deadline }: Batch,
    asks: readonly PeerAsk[],
  ): Promise<readonly Omit<Told, 'ask' | 'askedAt'>[]> => {
    const none = (refusal: Refusal) => asks.map(() => ({ result: refusal }))
    const domain = parsePeerDomain(raw)
    if (domain === undefined) return none(refuse('federation.unknown-host', raw))
    const question = { path: PEER_PATHS.requests, body: batchOf(asks), trackingId }
    const reply = await link.ask(domain, question, deadline)
    if (isRefusal(reply)) return none(reply)
    const { connection, status, body } = reply
    // Whoever waited has been told already, or is about to be: what comes now is nobody's.
    if (now() > deadline) return none(refuse('federation.peer-timed-out', domain))
    if (status === 403) return none(refuse('federation.refused-by-peer', domain))
    if (status === 429) return none(refuse('federation.peer-busy', domain))
    if (status !== 200) return none(refuse('federation.peer-broken', domain))
    const answered = parseAnswers(body, asks, parts.domain)
    const signed = statementIn(body, { kind: 'release', by: domain, to: parts.domain })
    return answered.map((one, place) => ({ ...withReceipt(one, place, signed), connection }))
  }

  const send = async (batch: Batch): Promise<void> => {
    const askedAt = now()
    for (const piece of inPieces(batch.waiting, BATCH_MAX)) {
      const asks = piece.map(({ ask }) => ask)
      // A link never rejects; if ours is broken all the same, nobody must wait for ever.
      const told = await askPeer(batch, asks).catch(() => [])
      piece.forEach(({ ask, resolve }, index) => {
        const result = refuse('federation.peer-broken', batch.domain)
        const one: Told = { ask, askedAt, ...(told[index] ?? { result }) }
        parts.onTold?.(one, now())
        resolve(one)
      })
    }
  }

  const enqueue = (ask: PeerAsk, trackingId: string, deadline: Instant): Promise<Told> => {
    const { promise, resolve } = Promise.withResolvers<Told>()
    const name = `${ask.domain} ${trackingId}`
    const batch = batches.get(name) ?? { domain: ask.domain, trackingId, deadline, waiting: [] }
    if (batch.waiting.push({ ask, resolve }) === 1) {
      batches.set(name, batch)
      setImmediate(() => {
        batches.delete(name)
        void send(batch)
      })
    }
    return promise
  }

  return {
    refusalFor: (domain) => policyRefusal(policy, parts.domain, domain),
    mayClaim: policy.claims === 'open',
    freshFor: policy.authorizationFreshFor,
    graceFor: policy.offlineGraceFor,
    removed: parts.removed,
    ask: (asks, { at, trackingId }) =>
      Promise.all(asks.map((ask) => enqueue(ask, trackingId, after(at, policy.patience)))),
  }
}
