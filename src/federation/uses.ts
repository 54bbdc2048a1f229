// What became of a peer's keys here, told to it: each entry of our own log that says so is owed to the key's home until that has
// acknowledged it. The log is read for them beside the requests, so that none is forgotten and none costs a request anything.

import type { Act, StatedEntry, StoredEntry } from '../audit/index.ts'
import type { Ledger, OwedReceipt, Store } from '../kms/index.ts'
import { hostOf } from '../protocol/index.ts'
import { isRefusal, type RefusalCode } from '../refusal.ts'
import { after, type Instant, parseRfc3339 } from '../time.ts'
import { asJson } from './answer.ts'
import { parsePeerDomain } from './domain.ts'
import { PATIENCE, pauseAfter } from './patience.ts'
import { PEER_PATHS, type PeerLink } from './ports.ts'
import { USES_MAX } from './serve.ts'
import { type Signer, toBody } from './statements.ts'

const READ_AT_ONCE = 1000

export interface UseParts {
  /** Our own. */
  readonly domain: string
  readonly store: Store
  readonly ledger: Ledger
  readonly link: PeerLink
  readonly signer: Signer
  readonly now: () => Instant
  readonly newTrackingId: () => string
}

interface Told {
  readonly action?: string
  readonly outcome?: string
  readonly actor?: { readonly kind?: string; readonly id?: string }
  readonly onBehalfOf?: string
  readonly keys?: readonly string[]
  readonly resource?: string
  readonly time?: string
  readonly trackingId?: string
}

const USES = new Set(['key.released', 'answer.repeated'])

/** Our own entries, written by the recorder: not parsed as foreign input. */
const toldIn = ({ body }: StoredEntry): Told => JSON.parse(body) as Told

/** Keys of other homes that this entry gave to somebody who is no peer. */
const foreignKeys = (told: Told, own: string): readonly string[] => {
  const isUse = USES.has(told.action ?? '') && told.outcome === 'done'
  if (!isUse || told.actor?.kind === 'peer') return []
  return (told.keys ?? []).filter((key) => hostOf(key) !== own)
}

const SCHEME = 'kms://'

/** Most entries name our own home alone, which their text shows for a tenth of what parsing costs. */
const namesAnother = (body: string, own: string): boolean => {
  const home = `${SCHEME}${own}/`
  let at = body.indexOf(SCHEME)
  while (at >= 0 && body.startsWith(home, at)) at = body.indexOf(SCHEME, at + home.length)
  return at >= 0
}

const owedIn = (entry: StoredEntry, own: string): readonly OwedReceipt[] => {
  if (!namesAnother(entry.body, own)) return []
  const domains = new Set(foreignKeys(toldIn(entry), own).map(hostOf))
  return [...domains].map((domain) => ({ domain, sequence: entry.sequence }))
}

/** Reads on in our log; true if there is more to be read at once. */
export const oweUses = async ({ store, ledger, domain }: UseParts): Promise<boolean> => {
  const from = await store.read((tx) => tx.receipts.progress())
  const entries = await store.read((tx) => tx.audit.read(from, READ_AT_ONCE))
  const last = entries.at(-1)
  if (last === undefined) return false
  const owed = entries.flatMap((entry) => owedIn(entry, domain))
  await ledger.commit(async (tx, now) => {
    await tx.receipts.owe(owed, now)
    await tx.receipts.setProgress(last.sequence)
    return { result: undefined, acts: [] }
  })
  // What comes while we read can wait: under load there is always some.
  return entries.length === READ_AT_ONCE
}

const stated = (entry: StoredEntry, domain: string): StatedEntry | undefined => {
  const told = toldIn(entry)
  const time = parseRfc3339(told.time)
  if (time === undefined) return undefined
  const keys = (told.keys ?? []).filter((key) => hostOf(key) === domain)
  // Whom it was for, if somebody read for somebody else.
  const user = told.onBehalfOf ?? told.actor?.id
  return {
    ...{ sequence: entry.sequence, time, trackingId: told.trackingId ?? '', keys },
    ...(told.resource === undefined ? {} : { resource: told.resource }),
    ...(user === undefined ? {} : { user }),
  }
}

const push = async (
  { store, link, signer, now, domain: own }: UseParts,
  raw: string,
  owed: readonly OwedReceipt[],
  trackingId: string,
): Promise<RefusalCode | undefined> => {
  const domain = parsePeerDomain(raw)
  if (domain === undefined) return 'federation.peer-unreachable'
  const entries = await store.read(async (tx) => {
    const found = await Promise.all(owed.map(({ sequence }) => tx.audit.read(sequence - 1, 1)))
    return found.flat().flatMap((entry) => stated(entry, domain) ?? [])
  })
  const signed = await signer.sign({ kind: 'use', by: own, to: domain, entries })
  if (signed === undefined) return 'kms.locked'
  const question = { path: PEER_PATHS.receipts, body: toBody(signed), trackingId }
  const reply = await link.ask(domain, question, after(now(), PATIENCE))
  if (isRefusal(reply)) return reply.refused
  const isAccepted = reply.status === 200 && asJson(reply.body)['accepted'] === entries.length
  return isAccepted ? undefined : 'federation.answer-wrong'
}

const actOf = (domain: string, count: number, trackingId: string, code?: RefusalCode): Act => ({
  action: code === undefined ? 'peer.uses-told' : 'peer.uses-owed',
  outcome: code === undefined ? 'done' : 'refused',
  actor: { kind: 'system' },
  type: 'KEY_COLLECTION',
  trackingId,
  details: { peer: domain, uses: count },
  ...(code === undefined ? {} : { code }),
})

const tell = async (parts: UseParts, domain: string): Promise<number> => {
  const { store, ledger, now, newTrackingId } = parts
  const owed = await store.read((tx) => tx.receipts.due(domain, now(), USES_MAX))
  if (owed.length === 0) return 0
  const trackingId = newTrackingId()
  const code = await push(parts, domain, owed, trackingId)
  await ledger.commit(async (tx, moment) => {
    if (code === undefined) {
      await tx.receipts.settle(owed)
      return { result: undefined, acts: [actOf(domain, owed.length, trackingId)] }
    }
    const attempts = Math.min(...owed.map((one) => one.attempts))
    await tx.receipts.putOff(owed, after(moment, pauseAfter(attempts)))
    const acts = attempts === 0 ? [actOf(domain, owed.length, trackingId, code)] : []
    return { result: undefined, acts }
  })
  return code === undefined ? owed.length : 0
}

/** Tells every peer what is due to it; answers how many entries that were. */
export const tellUses = async (parts: UseParts): Promise<number> => {
  const domains = await parts.store.read((tx) => tx.receipts.dueDomains(parts.now()))
  const told = await Promise.all(domains.map((domain) => tell(parts, domain)))
  return told.reduce((sum, count) => sum + count, 0)
}
