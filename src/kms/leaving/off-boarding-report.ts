// What the audit log says of somebody who left: that no key was released to them after the entry that says
// so. The entries from there on are re-hashed and held against the published tree, so that none was changed
// or cut unseen; those of the last second, not published yet, are counted only.

import { RangeCheck, type StoredEntry, tilesIn } from '../../audit/index.ts'
import type { UserId } from '../../id.ts'
import type { Store } from '../ports.ts'
import type { OffBoarding } from './off-boarded.ts'

const PAGE = 2000

export interface OffBoardingReport {
  readonly offBoarding: OffBoarding
  readonly pseudonym: string
  /** Rooms in which they had been authorised. */
  readonly rooms: number
  /** Last entry of the log that was read. */
  readonly readTo: number
  /** Last entry that the newest checkpoint covers. */
  readonly publishedTo: number
  /** First entry that is missing, or that is not what was published. */
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
const read = ({ body }: StoredEntry): Said => JSON.parse(body) as Said

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

  add(entry: StoredEntry): void {
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
  const check = await store.read((tx) => RangeCheck.from(tx, offBoarding.sequence))
  let readTo = offBoarding.sequence - 1
  for (;;) {
    const after = readTo
    const page = await store.read(async (tx) => {
      const entries = await tx.audit.read(after, PAGE)
      await check.add(entries, tilesIn(tx))
      return entries
    })
    for (const entry of page) findings.add(entry)
    readTo = page.at(-1)?.sequence ?? readTo
    if (page.length < PAGE) break
  }
  // Entries may have been added meanwhile; none may be missing.
  const brokenAt = check.end() ?? (readTo < head.sequence ? readTo + 1 : undefined)
  return {
    offBoarding,
    pseudonym: person.pseudonym,
    rooms: rooms.length,
    readTo,
    publishedTo: check.publishedTo,
    ...(brokenAt === undefined ? {} : { brokenAt }),
    isRecorded: findings.isRecorded,
    releases: findings.releases,
    deeds: findings.deeds,
    refusals: findings.refusals,
  }
}
