// Keeps a term within 40 bytes: a longer one becomes its beginning and a digest of the whole.
// No cryptography and no secrecy: terms are keyed later, and never leave the realm before that.

/** With an occurrence number, a term of this size still fits one block of HMAC-SHA256. */
const LONGEST_TERM_BYTES = 40

const DIGEST_DIGITS = 16
const MARK = '~'
const PREFIX_BYTES = LONGEST_TERM_BYTES - DIGEST_DIGITS - MARK.length

const mix = (lane: number, unit: number, factor: number): number => {
  const product = Math.imul(lane ^ unit, factor)
  return product ^ (product >>> 15)
}

const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(DIGEST_DIGITS / 2, '0')

/** 64 bits over the UTF-16 units, as 16 hex digits: two multiplicative lanes with the primes of xxHash32 and FNV-1a. */
export const digestOf = (text: string): string => {
  let left = 0x811c9dc5
  let right = 0x9e3779b1
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    left = mix(left, unit, 0x01000193)
    right = mix(right, unit, 0x85ebca77)
  }
  return hex(mix(left, text.length, 0xc2b2ae3d)) + hex(mix(right, text.length, 0x27d4eb2f))
}

const bytesOf = (codePoint: number): number =>
  codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4

/** How many UTF-16 units fit into so many bytes of UTF-8, whole characters only. */
const unitsWithin = (text: string, limit: number): number => {
  let bytes = 0
  let units = 0
  for (const character of text) {
    bytes += bytesOf(character.codePointAt(0) ?? 0)
    if (bytes > limit) break
    units += character.length
  }
  return units
}

/** The term itself up to 40 bytes of UTF-8; else its beginning, `~` (which no word contains) and its digest. */
export const bounded = (term: string): string => {
  const isSurelyShort = term.length * 3 <= LONGEST_TERM_BYTES
  if (isSurelyShort || unitsWithin(term, LONGEST_TERM_BYTES) === term.length) return term
  return term.slice(0, unitsWithin(term, PREFIX_BYTES)) + MARK + digestOf(term)
}
