// Every key that left, held against what was said of it: a receipt of the device it went to, or a standing grant of
// the machine. It reads the log from its beginning, as often as its bounded memory needs, and believes what it reads:
// whether the log is whole is for the verifier. A device that sends no receipts at all accuses nobody.

import { Grants, type Told } from './grants.ts'
import type { StoredEntry } from './ports.ts'

export interface Orphan {
  /** `release`: no receipt and no grant. `use`: nothing was released there before. */
  readonly side: 'release' | 'use'
  readonly sequence: number
  readonly kind: string
  /** Pseudonym; empty where nobody was identified. */
  readonly actor: string
  readonly device: string
  readonly key: string
}

/** Keys, each counted once for each device that it went to. */
export interface Reconciled {
  /** Last entry that was read. */
  readonly readTo: number
  readonly receipted: number
  /** To machines that had been granted it. */
  readonly granted: number
  /** To devices that send no receipts: nothing can be said. By kind of actor. */
  readonly silent: Readonly<Record<string, number>>
  readonly releaseOrphans: number
  readonly usesExplained: number
  readonly useOrphans: number
  readonly devicesWithReceipts: number
  readonly passes: number
}

export interface ReconcileOptions {
  /** RFC 3339, UTC: only releases and uses recorded from then on are judged; all are known. */
  readonly since?: string
  /** Those recorded before then. Receipts that came later still count. */
  readonly until?: string
  /** Every device is known to send receipts: then silence accuses, too. */
  readonly areReceiptsExpected?: boolean
  readonly onOrphan: (orphan: Orphan) => void
  /** Keys, by device, that are kept in memory at a time. */
  readonly pairsAtOnce?: number
}

/** From the first entry on, as often as asked. */
export type ReadLog = () => AsyncIterable<StoredEntry>

/** About 100 MB. */
const PAIRS_AT_ONCE = 250_000

const RELEASES = new Set(['key.released', 'key.created', 'key.bound', 'index.keys-used'])

const releasedBy = (told: Told): readonly string[] => {
  if (told.outcome !== 'done') return []
  const isRepeat = told.action === 'answer.repeated' && told.type !== 'RESOURCE_COLLECTION'
  return isRepeat || RELEASES.has(told.action ?? '') ? (told.keys ?? []) : []
}

const usedBy = (told: Told): readonly string[] =>
  told.action === 'key.used' && told.outcome === 'done'
    ? [...new Set((told.uses ?? []).map(({ key }) => key))]
    : []

const deviceOf = ({ actor, clientId }: Told): string => `${actor?.id ?? ''} ${clientId ?? ''}`

/** A device is what its client says it is, so it may hold spaces; pseudonyms and keys are ours and hold none. */
const pairIn = (pair: string) => {
  const [first, last] = [pair.indexOf(' '), pair.lastIndexOf(' ')]
  const [actor, key] = [pair.slice(0, first), pair.slice(last + 1)]
  return { actor, device: pair.slice(first + 1, last), key }
}

/** FNV-1a; spreads, protects nothing. */
const spread = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  }
  return hash
}

/** Released before the time in question, or to a machine that may; and released, with a receipt. */
const KNOWN = 0
const SEEN = -1

interface Waiting {
  readonly sequence: number
  readonly kind: string
}

class Pass {
  readonly #pairs = new Map<string, Waiting | typeof KNOWN | typeof SEEN>()
  readonly #grants = new Grants()
  readonly #isMine: (pair: string) => boolean
  readonly #options: ReconcileOptions
  receipted = 0
  granted = 0
  usesExplained = 0
  useOrphans = 0
  releaseOrphans = 0

  constructor(options: ReconcileOptions, isMine: (pair: string) => boolean) {
    this.#options = options
    this.#isMine = isMine
  }

  add(sequence: number, told: Told): void {
    this.#grants.add(told)
    const device = deviceOf(told)
    for (const key of releasedBy(told)) {
      const pair = `${device} ${key}`
      if (this.#isMine(pair)) this.#release(pair, sequence, told)
    }
    for (const key of usedBy(told)) {
      const pair = `${device} ${key}`
      if (this.#isMine(pair)) this.#use(pair, sequence, told)
    }
  }

  end(senders: ReadonlySet<string>, silent: Record<string, number>): void {
    for (const [pair, state] of this.#pairs) {
      if (typeof state === 'number') continue
      const { actor, device, key } = pairIn(pair)
      const isSilent =
        this.#options.areReceiptsExpected !== true &&
        state.kind !== 'service' &&
        !senders.has(`${actor} ${device}`)
      if (isSilent) silent[state.kind] = (silent[state.kind] ?? 0) + 1
      else this.#orphan({ side: 'release', ...state, actor, device, key })
    }
  }

  #release(pair: string, sequence: number, told: Told): void {
    const before = this.#pairs.get(pair)
    if (before !== undefined && before !== KNOWN) return
    if (!this.#isJudged(told)) {
      this.#pairs.set(pair, KNOWN)
      return
    }
    const kind = told.actor?.kind ?? 'unknown'
    const isGranted = kind === 'service' && this.#grants.explains(told)
    if (isGranted && before === undefined) this.granted += 1
    this.#pairs.set(pair, isGranted ? KNOWN : { sequence, kind })
  }

  #use(pair: string, sequence: number, told: Told): void {
    const state = this.#pairs.get(pair)
    const isWaiting = typeof state === 'object'
    if (isWaiting) this.receipted += 1
    if (state !== undefined) this.#pairs.set(pair, SEEN)
    if (!this.#isJudged(told)) return
    if (state !== undefined) {
      this.usesExplained += 1
      return
    }
    const kind = told.actor?.kind ?? 'unknown'
    this.#orphan({ side: 'use', sequence, kind, ...pairIn(pair) })
  }

  #orphan(orphan: Orphan): void {
    if (orphan.side === 'use') this.useOrphans += 1
    else this.releaseOrphans += 1
    this.#options.onOrphan(orphan)
  }

  #isJudged({ time = '' }: Told): boolean {
    const { since, until } = this.#options
    return (since === undefined || time >= since) && (until === undefined || time < until)
  }
}

const toldIn = ({ body }: StoredEntry): Told => JSON.parse(body) as Told

/** Who sends receipts, and how much there is to hold. */
const survey = async (read: ReadLog) => {
  const senders = new Set<string>()
  let pairs = 0
  let readTo = 0
  for await (const entry of read()) {
    const told = toldIn(entry)
    if (usedBy(told).length > 0) senders.add(deviceOf(told))
    pairs += releasedBy(told).length
    readTo = entry.sequence
  }
  return { senders, pairs, readTo }
}

/**
 * A receipt confirms every release of its key to its device, earlier or later: the device holds the key then. One
 * that was recorded before any release explains nothing.
 */
export const reconcile = async (read: ReadLog, options: ReconcileOptions): Promise<Reconciled> => {
  const { senders, pairs, readTo } = await survey(read)
  const passes = Math.max(1, Math.ceil(pairs / (options.pairsAtOnce ?? PAIRS_AT_ONCE)))
  const sum = { receipted: 0, granted: 0, releaseOrphans: 0, usesExplained: 0, useOrphans: 0 }
  const silent: Record<string, number> = {}
  for (let number = 0; number < passes; number++) {
    const pass = new Pass(options, (pair) => passes === 1 || spread(pair) % passes === number)
    for await (const entry of read()) {
      // The log may have grown since.
      if (entry.sequence > readTo) break
      pass.add(entry.sequence, toldIn(entry))
    }
    pass.end(senders, silent)
    sum.receipted += pass.receipted
    sum.granted += pass.granted
    sum.releaseOrphans += pass.releaseOrphans
    sum.usesExplained += pass.usesExplained
    sum.useOrphans += pass.useOrphans
  }
  return { ...sum, silent, readTo, devicesWithReceipts: senders.size, passes }
}
