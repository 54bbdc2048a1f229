// What a verification found: for each verdict, where it broke, how, and what would explain it.

import type { VerifiedCheckpoint } from './checkpoint.ts'

export interface Finding {
  readonly verdict: 'intact' | 'complete'
  readonly where: string
  readonly what: string
  /** What it would take for this to be innocent. */
  readonly explainedBy: string
}

export interface Report {
  /** Nothing was altered. */
  readonly isIntact: boolean
  /** Nothing is missing. */
  readonly isComplete: boolean
  readonly findings: readonly Finding[]
  /** How many more there were than are listed. */
  readonly unlisted: number
  /** Facts that break no verdict, for a reader to weigh. */
  readonly notes: readonly string[]
  /** Absent if it could not be believed; then neither verdict means anything. */
  readonly head?: VerifiedCheckpoint
}

const LISTED_MAX = 100

export class Findings {
  readonly #listed: Finding[] = []
  readonly #notes: string[] = []
  readonly #grave: string[] = []
  #unlistedNotes = 0
  readonly #broken = new Set<Finding['verdict']>()
  #unlisted = 0

  notIntact(where: string, what: string, explainedBy: string): void {
    this.#add({ verdict: 'intact', where, what, explainedBy })
  }

  notComplete(where: string, what: string, explainedBy: string): void {
    this.#add({ verdict: 'complete', where, what, explainedBy })
  }

  missing(what: string, path: string): void {
    this.notComplete(
      what,
      `${path} is missing or cut short`,
      'a copy that was not finished; fetch it again',
    )
  }

  alteredEntries(sequences: readonly number[]): void {
    for (const sequence of sequences) {
      this.notIntact(
        `entry ${sequence}`,
        'it is not the entry whose hash was published',
        'nothing legitimate: a published entry never changes',
      )
    }
  }

  note(text: string): void {
    if (this.#notes.length < LISTED_MAX) this.#notes.push(text)
    else this.#unlistedNotes += 1
  }

  /** What no number of other facts may push out of sight. */
  graveNote(text: string): void {
    if (this.#grave.length < LISTED_MAX) this.#grave.push(text)
    else this.#unlistedNotes += 1
  }

  report(head?: VerifiedCheckpoint): Report {
    const isBelieved = head !== undefined
    return {
      isIntact: isBelieved && !this.#broken.has('intact'),
      isComplete: isBelieved && !this.#broken.has('complete'),
      findings: this.#listed,
      unlisted: this.#unlisted,
      notes: [...this.#grave, ...this.#notes, ...this.#moreNotes()],
      ...(head === undefined ? {} : { head }),
    }
  }

  #moreNotes(): readonly string[] {
    return this.#unlistedNotes === 0 ? [] : [`and ${this.#unlistedNotes} more`]
  }

  #add(finding: Finding): void {
    this.#broken.add(finding.verdict)
    if (this.#listed.length < LISTED_MAX) this.#listed.push(finding)
    else this.#unlisted += 1
  }
}
