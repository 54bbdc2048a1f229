// Do the entries tell a whole story? Each start of a process counts its own entries from 1 without holes, its
// clock does not run backwards unseen, and no start follows another that never ended.

import { ENTRY_VERSION, parseCanonical } from './canonical.ts'
import type { Findings } from './findings.ts'

/** The members that the story needs; anything else may be there, or not. */
interface Told {
  readonly action: string
  readonly realm: string
  readonly node: string
  readonly boot: string
  readonly counter: number
  readonly time: string
  readonly details: { readonly [name: string]: unknown }
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
}

/** The one form in which entries say their time: text order is time order. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const ORIGIN = /\/log(?:\/(?<number>[1-9]\d*))?$/

/** Is it an entry of the version that we know? */
const isTold = (told: { readonly [name: string]: unknown }): told is typeof told & Told => {
  const { v, counter, time, details } = told
  return (
    v === ENTRY_VERSION &&
    ['action', 'realm', 'node', 'boot'].every((name) => typeof told[name] === 'string') &&
    typeof counter === 'number' &&
    typeof time === 'string' &&
    TIME.test(time) &&
    !Number.isNaN(Date.parse(time)) &&
    typeof details === 'object' &&
    details !== null
  )
}

const parseTold = (body: string): Told | undefined => {
  const told = { details: {}, ...parseCanonical(body) }
  return isTold(told) ? told : undefined
}

export class Story {
  readonly #findings: Findings
  /** Last counter of each start. */
  readonly #counters = new Map<string, number>()
  readonly #nodes = new Map<string, Teller>()
  /** Every start of `serve` so far, and of each node the one whose end has not been told yet. */
  readonly #starts = new Set<string>()
  readonly #open = new Map<string, string>()
  /** Nodes that may have started in what a restore has taken out of the log: one time each. */
  #excused: Set<string> | undefined
  #realm: string | undefined
  #restores = 0
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
    this.#open.clear()
  }

  add(sequence: number, body: string): void {
    const told = parseTold(body)
    if (told === undefined) {
      const what =
        'it is not the canonical form of an entry that says which node recorded it, when, as which of its entries'
      this.#findings.notComplete(`entry ${sequence}`, what, 'a newer realm than this verifier')
      return
    }
    this.#called(sequence, told)
    this.#count(sequence, `${told.node} ${told.boot}`, told.counter)
    const teller = this.#nodes.get(told.node) ?? { lastTime: '', doubt: undefined }
    this.#nodes.set(told.node, teller)
    this.#clock(sequence, told, teller)
    this.#life(sequence, told)
  }

  /** `origin` names the log: `…/log`, and after each restore that was accepted `…/log/2`, `…/log/3`. */
  end(origin: string): void {
    const named = ORIGIN.exec(origin)
    const isLater = named?.groups?.['number'] !== undefined
    if (named !== null && isLater !== this.#restores > 0 && this.#isWhole) {
      this.#findings.notComplete(
        'the whole log',
        `it is called ${origin}, and its entries tell of ${this.#restores} restores`,
        'nothing legitimate: a log goes on under another name after a restore, and then only',
      )
    }
    for (const teller of this.#nodes.values()) this.#judgeClock(teller)
    for (const node of this.#open.keys()) this.#findings.note(`${node} was running at the end`)
  }

  #called(sequence: number, { realm }: Told): void {
    if (this.#realm !== undefined && this.#realm !== realm) {
      this.#findings.note(`entry ${sequence}: the realm is called ${realm}, before ${this.#realm}`)
    }
    this.#realm = realm
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
  #clock(sequence: number, { action, boot, time }: Told, teller: Teller): void {
    const { doubt } = teller
    const moment: Moment = { boot, time }
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

  #life(sequence: number, told: Told): void {
    const { action, node, boot } = told
    if (action === 'process.stopped' && this.#open.get(node) === boot) this.#open.delete(node)
    if (action === 'log.restored') {
      const text = `entry ${sequence}: somebody accepted a database put back from a copy`
      this.#findings.graveNote(text)
      this.#open.clear()
      this.#excused = new Set()
      this.#restores += 1
    }
    if (action !== 'process.started') return
    this.#judgeBefore(sequence, told)
    this.#open.set(node, boot)
    this.#starts.add(boot)
  }

  /** A start says which one came before it, and how that ended; a node's name may have changed between them. */
  #judgeBefore(sequence: number, { node, details }: Told): void {
    const { previousBoot, previousStop } = details
    if (typeof previousBoot === 'string') this.#judgeKnown(sequence, node, previousBoot)
    const openAt = [...this.#open].find(([, boot]) => boot === previousBoot)?.[0]
    if (openAt !== undefined && previousStop === 'unclean') {
      this.#findings.note(
        `entry ${sequence}: the start before it, ${previousBoot}, did not end cleanly`,
      )
      this.#open.delete(openAt)
    }
    const open = this.#open.get(node)
    if (open === undefined) return
    this.#findings.notComplete(
      `entry ${sequence}`,
      `the start before it, ${open}, never ended, and this one does not say that it was cut off`,
      'a state directory that was lost, or entries that were left out',
    )
  }

  #judgeKnown(sequence: number, node: string, previous: string): void {
    if (this.#starts.has(previous) || !this.#isWhole) return
    const isExcused = this.#excused !== undefined && !this.#excused.has(node)
    this.#excused?.add(node)
    if (isExcused) return
    this.#findings.notComplete(
      `entry ${sequence}`,
      `the start before it, ${previous}, is not in the log: all of its entries are missing`,
      'a state directory of another realm, or entries that were left out',
    )
  }
}
