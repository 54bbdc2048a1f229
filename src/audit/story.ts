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

interface Moment {
  readonly boot: string
  readonly time: string
}

interface Doubt extends Moment {
  readonly sequence: number
  /** The later time that came before. */
  readonly before: string
}

interface Teller {
  lastTime: string
  /** A step backwards that nothing has explained yet. */
  doubt: Doubt | undefined
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
    const teller = this.#nodes.get(node) ?? { lastTime: '', openBoot: undefined, doubt: undefined }
    this.#nodes.set(node, teller)
    this.#clock(sequence, told, { boot, time }, teller)
    this.#life(sequence, told, boot, teller)
  }

  end(): void {
    for (const [node, teller] of this.#nodes) {
      this.#judgeClock(teller)
      const { openBoot } = teller
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

  /**
   * Times are RFC 3339 of one form, so that text order is time order. A realm whose clock went backwards says
   * so at the end of the transaction that noticed: at the same time, by the same start.
   */
  #clock(sequence: number, { action }: Told, moment: Moment, teller: Teller): void {
    const { doubt } = teller
    const isSame = doubt?.boot === moment.boot && doubt.time === moment.time
    if (action === 'clock.stepped-back') {
      this.#findings.note(`entry ${sequence}: the clock had been set back`)
      teller.doubt = undefined
    } else if (!isSame) this.#judgeClock(teller)
    if (moment.time < teller.lastTime && action !== 'clock.stepped-back') {
      teller.doubt = { ...moment, sequence, before: teller.lastTime }
    }
    teller.lastTime = moment.time
  }

  #judgeClock(teller: Teller): void {
    const { doubt } = teller
    teller.doubt = undefined
    if (doubt === undefined) return
    this.#findings.notComplete(
      `entry ${doubt.sequence}`,
      `its time, ${doubt.time}, is before that of the entry before it, ${doubt.before}`,
      'an entry of the realm that says its clock was set back; there is none',
    )
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
