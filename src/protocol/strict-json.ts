// JSON as a security boundary reads it: one value, bounded depth, no member named twice (RFC 8259 §4
// leaves that open, so two readers could see two different requests). Never throws.

import { type Refusal, refuse } from '../refusal.ts'

/** Deeper than any request of the protocol (4), shallower than anything that costs. */
const MAX_DEPTH = 12

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** Index of the quote that ends the string starting at `start` in text that is valid JSON. */
const endOfString = (text: string, start: number): number => {
  let end = text.indexOf('"', start + 1)
  while (true) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
}

const isFollowedByColon = (text: string, position: number): boolean => {
  let next = position
  while (text.charCodeAt(next) <= 0x20) next++
  return text.charCodeAt(next) === COLON
}

const memberName = (text: string, start: number, end: number): string => {
  const literal = text.slice(start, end + 1)
  return literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1)
}

/** The objects and arrays that are open at a position; an object knows its members so far. */
class Nesting {
  readonly #open: (Set<string> | undefined)[] = []

  enter(code: number): Refusal | undefined {
    this.#open.push(code === OPEN_BRACE ? new Set() : undefined)
    return this.#open.length > MAX_DEPTH ? refuse('request.too-deep') : undefined
  }

  leave(): void {
    this.#open.pop()
  }

  /** A string that ends at `end`: a member's name if this is an object and a colon follows. */
  string(text: string, start: number, end: number): Refusal | undefined {
    const members = this.#open.at(-1)
    if (members === undefined || !isFollowedByColon(text, end + 1)) return undefined
    const name = memberName(text, start, end)
    if (members.has(name)) return refuse('request.duplicate-member')
    members.add(name)
    return undefined
  }
}

/** Checks depth and duplicate members of text that `JSON.parse` has already accepted. */
const structureRefusal = (text: string): Refusal | undefined => {
  const nesting = new Nesting()
  let refusal: Refusal | undefined
  for (let position = 0; position < text.length && refusal === undefined; position++) {
    const code = text.charCodeAt(position)
    if (code === QUOTE) {
      const end = endOfString(text, position)
      refusal = nesting.string(text, position, end)
      position = end
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) refusal = nesting.enter(code)
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) nesting.leave()
  }
  return refusal
}

export interface ParsedJson {
  readonly value: unknown
}

/** The one JSON value in `text`, or `request.not-json`, `.too-deep`, `.duplicate-member`. */
export const parseStrictJson = (text: string): ParsedJson | Refusal => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refuse('request.not-json')
  }
  return structureRefusal(text) ?? { value }
}
