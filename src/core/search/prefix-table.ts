// A lookup table in memory: the first 64 bits of a hash → the number of a list. Hashes are uniform, so they are their
// own hash function; 80-bit neighbours that share 64 bits are found together, which the client sees through.

import { HASH_BYTES } from '../../boundary/index.ts'

export interface PrefixTable {
  /** How many hashes it holds. */
  readonly size: number
  /** Bytes that its arrays take. */
  readonly bytes: number
  add(packed: Uint8Array, doc: number): void
  /** Takes them out again; what is not there is passed over. */
  remove(packed: Uint8Array, doc: number): void
  /** Lists under any of these hashes. */
  match(packed: Uint8Array): Set<number>
}

/** Lists above this number cannot be held. */
export const LAST_DOC = 0xffff_fffe

const EMPTY = 0
const REMOVED = 0xffff_ffff
const WORDS = 3
const FIRST_SLOTS = 16
const FULLEST = 0.7
/** Parts grow by themselves, so that no growth takes long. */
const PARTS = 256

/** Three words a slot: 64 bits of the hash, and the list. */
interface Part {
  words: Uint32Array
  mask: number
  used: number
}

export const createPrefixTable = (): PrefixTable => {
  const parts = Array.from({ length: PARTS }, () => partOf(FIRST_SLOTS))
  let size = 0
  let bytes = parts.length * FIRST_SLOTS * WORDS * 4
  /** The part is told by the first byte, the slot by other bits. */
  const partAt = (byte: number): Part => {
    const part = parts[byte]
    if (part === undefined) throw new RangeError('a byte is below 256')
    return part
  }
  return {
    get size() {
      return size
    },
    get bytes() {
      return bytes
    },
    add(packed, doc) {
      if (doc <= EMPTY || doc > LAST_DOC) throw new RangeError('the list has no fitting number')
      for (let at = 0; at < packed.length; at += HASH_BYTES) {
        const part = partAt(packed[at] ?? 0)
        if (put(part, wordAt(packed, at), wordAt(packed, at + 4), doc)) size += 1
        if (part.used > (part.mask + 1) * FULLEST) bytes += grow(part)
      }
    },
    remove(packed, doc) {
      for (let at = 0; at < packed.length; at += HASH_BYTES) {
        const part = partAt(packed[at] ?? 0)
        const slot = find(part, wordAt(packed, at), wordAt(packed, at + 4), doc)
        if (slot === undefined) continue
        part.words[slot + 2] = REMOVED
        size -= 1
      }
    },
    match(packed) {
      const found = new Set<number>()
      for (let at = 0; at < packed.length; at += HASH_BYTES) {
        collect(partAt(packed[at] ?? 0), wordAt(packed, at), wordAt(packed, at + 4), found)
      }
      return found
    },
  }
}

const partOf = (slots: number): Part => ({
  words: new Uint32Array(slots * WORDS),
  mask: slots - 1,
  used: 0,
})

const wordAt = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0

/** The slot of exactly this entry, or undefined. */
const find = ({ words, mask }: Part, high: number, low: number, doc: number) => {
  for (let n = low & mask; ; n = (n + 1) & mask) {
    const slot = n * WORDS
    const held = words[slot + 2]
    if (held === EMPTY) return undefined
    if (held === doc && words[slot] === high && words[slot + 1] === low) return slot
  }
}

/** False if it is there already. */
const put = (part: Part, high: number, low: number, doc: number): boolean => {
  const { words, mask } = part
  if (find(part, high, low, doc) !== undefined) return false
  let n = low & mask
  while (words[n * WORDS + 2] !== EMPTY) n = (n + 1) & mask
  words[n * WORDS] = high
  words[n * WORDS + 1] = low
  words[n * WORDS + 2] = doc
  part.used += 1
  return true
}

const collect = ({ words, mask }: Part, high: number, low: number, found: Set<number>): void => {
  for (let n = low & mask; ; n = (n + 1) & mask) {
    const slot = n * WORDS
    const doc = words[slot + 2] ?? EMPTY
    if (doc === EMPTY) return
    if (words[slot] === high && words[slot + 1] === low && doc !== REMOVED) found.add(doc)
  }
}

/** Twice the room, or as much as before if most of it was only worn out. Answers how many bytes came on top. */
const grow = (part: Part): number => {
  const { words, mask } = part
  let live = 0
  for (let slot = 2; slot < words.length; slot += WORDS) {
    if (words[slot] !== EMPTY && words[slot] !== REMOVED) live += 1
  }
  const slots = mask + 1
  const grown = partOf(live > (slots * FULLEST) / 2 ? slots * 2 : slots)
  for (let slot = 0; slot < words.length; slot += WORDS) {
    const doc = words[slot + 2] ?? EMPTY
    if (doc !== EMPTY && doc !== REMOVED) put(grown, words[slot] ?? 0, words[slot + 1] ?? 0, doc)
  }
  Object.assign(part, grown)
  return grown.words.byteLength - words.byteLength
}
