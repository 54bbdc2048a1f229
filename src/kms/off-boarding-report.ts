// What the audit log says of somebody who left: that no key was released to them after the entry that says
// so. The chain is checked from the entry before it to the head, so that no entry was changed or cut unseen.

import { type ChainedEntry, EMPTY_HEAD, firstBreak } from '../audit/index.ts'
import type { UserId } from '../id.ts'
import type { OffBoarding } from './off-boarded.ts'
import type { Store } from './ports.ts'

const PAGE = 2000

export interface OffBoardingReport {
  readonly offBoarding: OffBoarding
  readonly pseudonym: string
  /** Rooms in which they had been authorised. */
  readonly rooms: number
  /** Last entry of the log that was read. */
  readonly readTo: number
  /** First entry that does not follow from the one before it, or that is missing at the end. */
  readonly brokenAt?: number
  /** Does the log say, where it should, that they were off-boarded? */
  readonly isRecorded: boolean
  /** Entries after it by which a key went to them. */
  readonly releases: readonly number[]
  /** Entries after it by which they did anything at all. */
  readonly deeds: readonly number[]
  /** Requests of theirs that were refused after it. */
  readonly refusals: number
}

interface Said {
  readonly action: string
  readonly outcome: string
  readonly actor: { readonly id?: string }
  readonly subjects?: readonly string[]
  readonly keys?: readonly string[]
}

/** Written by our own encoder. */
const read = ({ body }: ChainedEntry): Said => JSON.parse(body) as Said

/** True proof: the log is whole and says that they left, and nothing after it was done by them. */
export const isProven = (report: OffBoardingReport): boolean =>
  report.brokenAt === undefined && report.isRecorded && report.deeds.length === 0

class Findings {
  readonly #pseudonym: string
  readonly #sequence: number
  isRecorded = false
  refusals = 0
  readonly releases: number[] = []
  readonly deeds: number[] = []

  constructor(pseudonym: string, sequence: number) {
    this.#pseudonym = pseudonym
    this.#sequence = sequence
  }

  add(entry: ChainedEntry): void {
    const said = read(entry)
    if (entry.sequence === this.#sequence) {
      const isAboutThem = said.subjects?.includes(this.#pseudonym) === true
      this.isRecorded = said.action === 'person.off-boarded' && isAboutThem
    } else if (said.actor.id === this.#pseudonym) this.#addOwn(entry.sequence, said)
  }

  #addOwn(sequence: number, said: Said): void {
    if (said.outcome !== 'done') {
      this.refusals += 1
      return
    }
    this.deeds.push(sequence)
    if ((said.keys?.length ?? 0) > 0) this.releases.push(sequence)
  }
}

/** Undefined for somebody who was not off-boarded. */
export const reportOffBoarding = async (
  store: Store,
  userId: UserId,
): Promise<OffBoardingReport | undefined> => {
  const known = await store.read(async (tx) => ({
    offBoarding: await tx.offBoardings.find(userId),
    person: (await tx.people.find([userId])).get(userId),
    rooms: await tx.offBoardings.rooms(userId),
    head: await tx.audit.head(),
  }))
  const { offBoarding, person, rooms, head } = known
  if (offBoarding === undefined || person === undefined) return undefined
  const findings = new Findings(person.pseudonym, offBoarding.sequence)
  const [before] = await store.read((tx) => tx.audit.read(offBoarding.sequence - 2, 1))
  let last = offBoarding.sequence === 1 ? EMPTY_HEAD : (before ?? EMPTY_HEAD)
  let brokenAt: number | undefined
  for (;;) {
    const after = last.sequence
    const page = await store.read((tx) => tx.audit.read(after, PAGE))
    brokenAt ??= firstBreak(last, page)
    for (const entry of page) findings.add(entry)
    last = page.at(-1) ?? last
    if (page.length < PAGE) break
  }
  // Entries may have been added meanwhile; none may be missing.
  if (last.sequence < head.sequence) brokenAt ??= last.sequence + 1
  return {
    offBoarding,
    pseudonym: person.pseudonym,
    rooms: rooms.length,
    readTo: last.sequence,
    ...(brokenAt === undefined ? {} : { brokenAt }),
    isRecorded: findings.isRecorded,
    releases: findings.releases,
    deeds: findings.deeds,
    refusals: findings.refusals,
  }
}
