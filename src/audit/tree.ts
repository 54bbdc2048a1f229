// The Merkle tree of RFC 6962 §2.1 over the entries: hashes, roots, and the two proofs. Pure arithmetic;
// sizes and indexes go up to 2⁵³, so nothing here shifts bits. It knows neither tiles nor signatures.

import { sha256 } from '../crypto/index.ts'

export const HASH_BYTES = 32

/** The root of a tree without leaves. */
export const EMPTY_ROOT: Uint8Array = sha256('')

/** SHA-256(0x00 ‖ data); of a text, over its UTF-8 bytes, which then need not be made. */
export const leafHash = (data: Uint8Array | string): Uint8Array => {
  if (typeof data === 'string') return sha256(`\0${data}`)
  const input = new Uint8Array(data.length + 1)
  input.set(data, 1)
  return sha256(input)
}

const pair = new Uint8Array(1 + 2 * HASH_BYTES).fill(1, 0, 1)

/** SHA-256(0x01 ‖ left ‖ right). */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  pair.set(left, 1)
  pair.set(right, 1 + HASH_BYTES)
  return sha256(pair)
}

export const sameBytes = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && left.every((byte, index) => byte === right[index])

/** Joins the roots of perfect subtrees, the leftmost first, to the root of all of them. */
export const joinPeaks = (peaks: readonly Uint8Array[]): Uint8Array =>
  peaks.length === 0 ? EMPTY_ROOT : peaks.reduceRight((right, left) => nodeHash(left, right))

/** A tree that only grows, kept as the roots of its perfect subtrees: all that appending needs. */
export class Frontier {
  readonly #peaks: Uint8Array[] = []
  #size = 0

  /** The tree of `size` leaves, from the roots of its perfect subtrees. */
  static of(size: number, peaks: readonly Uint8Array[]): Frontier {
    const frontier = new Frontier()
    frontier.#peaks.push(...peaks)
    frontier.#size = size
    return frontier
  }

  get size(): number {
    return this.#size
  }

  append(leaf: Uint8Array): void {
    let hash = leaf
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      hash = nodeHash(this.#peaks.pop() ?? EMPTY_ROOT, hash)
    }
    this.#peaks.push(hash)
    this.#size += 1
  }

  /** The largest perfect subtree first. */
  get peaks(): readonly Uint8Array[] {
    return this.#peaks
  }

  root(): Uint8Array {
    return joinPeaks(this.#peaks)
  }
}

/** The leaves from `start` to before `end`. */
export type Range = readonly [start: number, end: number]

/** The leaves from index × 2^level on, 2^level of them. */
export interface Subtree {
  readonly level: number
  readonly index: number
}

/** RFC 6962's k: the largest power of two smaller than `count`. */
const splitOf = (count: number): number => {
  let k = 1
  while (k * 2 < count) k *= 2
  return k
}

/** The perfect subtrees of a range that occurs in a proof, left to right. */
export const subtreesOf = ([start, end]: Range): readonly Subtree[] => {
  const subtrees: Subtree[] = []
  let at = start
  while (at < end) {
    let [level, width] = [0, 1]
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      level += 1
      width *= 2
    }
    subtrees.push({ level, index: at / width })
    at += width
  }
  return subtrees
}

/** RFC 6962 §2.1.1: the ranges whose roots prove that leaf `index` is in the tree of `size`. */
export const inclusionRanges = (index: number, size: number): readonly Range[] => {
  const path = (start: number, end: number): readonly Range[] => {
    if (end - start === 1) return []
    const middle = start + splitOf(end - start)
    return index < middle
      ? [...path(start, middle), [middle, end]]
      : [...path(middle, end), [start, middle]]
  }
  return path(0, size)
}

/** RFC 6962 §2.1.2: the ranges whose roots prove that the tree of `old` leaves begins that of `size`. */
export const consistencyRanges = (old: number, size: number): readonly Range[] => {
  const path = (start: number, end: number, isKnown: boolean): readonly Range[] => {
    if (old === end) return isKnown ? [] : [[start, end]]
    const middle = start + splitOf(end - start)
    return old <= middle
      ? [...path(start, middle, isKnown), [middle, end]]
      : [...path(middle, end, false), [start, middle]]
  }
  return old === 0 ? [] : path(0, size, true)
}

/** The root that an inclusion proof leads to, or undefined if it has the wrong length. */
export const rootFromInclusion = (
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array | undefined => {
  if (size === 1) return proof.length === 0 ? leaf : undefined
  const sibling = proof.at(-1)
  const middle = splitOf(size)
  const isLeft = index < middle
  const inner = isLeft
    ? rootFromInclusion(leaf, index, middle, proof.slice(0, -1))
    : rootFromInclusion(leaf, index - middle, size - middle, proof.slice(0, -1))
  if (sibling === undefined || inner === undefined) return undefined
  return isLeft ? nodeHash(inner, sibling) : nodeHash(sibling, inner)
}

export interface Heads {
  readonly old: Uint8Array
  readonly new: Uint8Array
}

const headsFrom = (
  oldRoot: Uint8Array | undefined,
  [old, size]: Range,
  proof: readonly Uint8Array[],
): Heads | undefined => {
  const last = proof.at(-1)
  if (old === size) {
    const known = oldRoot ?? last
    const isWhole = proof.length === (oldRoot === undefined ? 1 : 0)
    return known !== undefined && isWhole ? { old: known, new: known } : undefined
  }
  const middle = splitOf(size)
  const rest = proof.slice(0, -1)
  const isLeft = old <= middle
  const inner = isLeft
    ? headsFrom(oldRoot, [old, middle], rest)
    : headsFrom(undefined, [old - middle, size - middle], rest)
  if (last === undefined || inner === undefined) return undefined
  return isLeft
    ? { old: inner.old, new: nodeHash(inner.new, last) }
    : { old: nodeHash(last, inner.old), new: nodeHash(last, inner.new) }
}

/** Does the tree of size and root `old` begin that of `now`? A tree without leaves begins every tree. */
export const isConsistent = (
  old: { readonly size: number; readonly root: Uint8Array },
  now: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean => {
  if (old.size > now.size) return false
  if (old.size === 0) return proof.length === 0 && sameBytes(old.root, EMPTY_ROOT)
  const heads = headsFrom(old.root, [old.size, now.size], proof)
  return heads !== undefined && sameBytes(heads.old, old.root) && sameBytes(heads.new, now.root)
}
