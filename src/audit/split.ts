// An entry fits into 65,535 bytes, because its length is a uint16 where auditors fetch it. An act that names
// more keys, authorizations or people than that becomes several entries, numbered as parts of one act.

import { Fault } from '../fault.ts'
import type { Act } from './entry.ts'
import { ENTRY_MAX_BYTES } from './tiles.ts'

/** What the lists of one part may take; the rest is for everything else that an entry says. */
const LISTS_MAX_BYTES = 24_000
/** UTF-8 takes three bytes at most for each of JavaScript's characters. */
const WIDEST = 3

const LISTS = ['keys', 'authorizations', 'subjects'] as const

const sizeOf = (text: string): number => new TextEncoder().encode(text).length

const partOf = (act: Act, index: number, of: number, perPart: number): Act => {
  const lists = LISTS.flatMap((name) => {
    const some = act[name]?.slice(index * perPart, (index + 1) * perPart)
    return some === undefined ? [] : [[name, some]]
  })
  return { ...act, ...Object.fromEntries(lists), part: { index: index + 1, of } }
}

/** Undefined for an act whose `body` fits. Throws a Fault `audit.entry-too-long` if nothing helps. */
export const splitLong = (act: Act, body: string): readonly Act[] | undefined => {
  if (body.length * WIDEST <= ENTRY_MAX_BYTES || sizeOf(body) <= ENTRY_MAX_BYTES) return undefined
  const lists = LISTS.map((name) => act[name] ?? [])
  const longest = Math.max(...lists.flat().map((item) => sizeOf(JSON.stringify(item)) + 1), 1)
  const perPart = Math.max(1, Math.floor(LISTS_MAX_BYTES / longest / LISTS.length))
  const of = Math.ceil(Math.max(...lists.map(({ length }) => length)) / perPart)
  if (of < 2 || act.part !== undefined) throw new Fault('audit.entry-too-long')
  return Array.from({ length: of }, (_, index) => partOf(act, index, of, perPart))
}
