// Do the entries tell a whole story? Each start of a process counts its own entries from 1 without holes, its
// clock does not run backwards unseen, and no start follows another that never ended.

import type { Findings } from './findings.ts'

/** The members that the story needs; anything else may be there, or not. */
interface Told {
  readonly action?: unknown
  readonly node?: unknown
  readonly boot?: unknown
  readonly counter?: unknown
  readonly time?: unknown
  readonly details?: { readonly [name: string]: unknown }
}

interface Teller {
  lastTime: string
  /** The start of `serve` whose end has not been told yet. */
  openBoot: string | undefined
}

const parseTold = (body: string): Told | undefined => {
  try {
    const told: unknown = JSON.parse(body)
    return typeof told === 'object' && told !== null ? told : undefined
  } catch {
    return undefined
  }
}

export class Story {
  readonly #findings: Findings
  /** Last counter of each start. */
  readonly #counters = new Map<string, number>()
  readonly #nodes = new Map<string, Teller>()
  #isWhole = true

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** Entries that are not there cannot be told from entries that were left out: said once, then not again. */
  skip(range: string): void {
    this.#isWhole = false
    this.#findings.note(`counters and times were not followed across ${range}`)
    this.#counters.clear()
    this.#nodes.clear()
  }

  add(sequence: number, body: string): void {
    const told = parseTold(body)
    const { node, boot, counter, time } = told ?? {}
    const isTold =
      typeof node === 'string' &&
      typeof boot === 'string' &&
      typeof counter === 'number' &&
      typeof time === 'string'
    if (told === undefined || !isTold) {
      const what = 'it does not say which node recorded it, when, as which of its entries'
      this.#findings.notComplete(`entry ${sequence}`, what, 'nothing legitimate')
      return
    }
    this.#count(sequence, `${node} ${boot}`, counter)
    const teller = this.#nodes.get(node) ?? { lastTime: '', openBoot: undefined }
    this.#nodes.set(node, teller)
    this.#clock(sequence, told, time, teller)
    this.#life(sequence, told, boot, teller)
  }

  end(): void {
    for (const [node, { openBoot }] of this.#nodes) {
      if (openBoot !== undefined) this.#findings.note(`${node} was running at the end`)
    }
  }

  #count(sequence: number, name: string, counter: number): void {
    const before = this.#counters.get(name) ?? (this.#isWhole ? 0 : counter - 1)
    this.#counters.set(name, counter)
    if (counter === before + 1) return
    this.#findings.notComplete(
      `entry ${sequence}`,
      `it is number ${counter} of ${name}, the one before it in the log is number ${before}`,
      counter > before
        ? 'nothing legitimate: entries of this start were left out before they were published'
        : 'nothing legitimate: entries were repeated or moved',
    )
  }

  /** Times are RFC 3339 of one form, so that text order is time order. */
  #clock(sequence: number, { action }: Told, time: string, teller: Teller): void {
    if (time < teller.lastTime && action !== 'clock.stepped-back') {
      this.#findings.notComplete(
        `entry ${sequence}`,
        `its time, ${time}, is before that of the entry before it, ${teller.lastTime}`,
        'an entry of the realm that says its clock was set back; there is none',
      )
    }
    if (action === 'clock.stepped-back') {
      this.#findings.note(`entry ${sequence}: the clock was set back, from ${teller.lastTime}`)
    }
    teller.lastTime = time
  }

  #life(sequence: number, { action, details }: Told, boot: string, teller: Teller): void {
    if (action === 'process.stopped') teller.openBoot = undefined
    if (action === 'log.restored') {
      this.#findings.note(`entry ${sequence}: somebody accepted a database put back from a copy`)
    }
    if (action !== 'process.started') return
    const open = teller.openBoot
    teller.openBoot = boot
    if (open === undefined) return
    const isSaid = details?.['previousBoot'] === open && details['previousStop'] === 'unclean'
    if (isSaid) {
      this.#findings.note(`entry ${sequence}: the start before it, ${open}, did not end cleanly`)
      return
    }
    this.#findings.notComplete(
      `entry ${sequence}`,
      `the start before it, ${open}, never ended, and this one does not say that it was cut off`,
      'a state directory that was lost, or entries that were left out',
    )
  }
}
