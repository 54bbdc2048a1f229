// The hash chain: each entry's hash covers the one before it, so that nobody changes an old entry
// without changing every later one. (Proofs to outsiders come with the Merkle log.)

import { sha256 } from '../crypto/index.ts'
import type { ChainedEntry, ChainHead } from './ports.ts'

export const HASH_BYTES = 32
export const EMPTY_HEAD: ChainHead = { sequence: 0, hash: new Uint8Array(HASH_BYTES) }

const utf8 = new TextEncoder()

/** SHA-256(previous hash ‖ canonical bytes). */
export const chainHash = (previous: Uint8Array, body: string): Uint8Array => {
  const bytes = utf8.encode(body)
  const input = new Uint8Array(previous.length + bytes.length)
  input.set(previous)
  input.set(bytes, previous.length)
  return sha256(input)
}

/** Numbers and links canonical bodies behind `head`. */
export const chain = (head: ChainHead, bodies: readonly string[]): readonly ChainedEntry[] => {
  let { sequence, hash } = head
  return bodies.map((body) => {
    sequence += 1
    hash = chainHash(hash, body)
    return { sequence, hash, body }
  })
}

const sameBytes = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && left.every((byte, index) => byte === right[index])

/** Sequence of the first entry that does not follow from the one before it, or undefined. */
export const firstBreak = (
  head: ChainHead,
  entries: readonly ChainedEntry[],
): number | undefined => {
  let { sequence, hash } = head
  for (const entry of entries) {
    const expected = chainHash(hash, entry.body)
    if (entry.sequence !== sequence + 1) return sequence + 1
    if (!sameBytes(expected, entry.hash)) return entry.sequence
    sequence = entry.sequence
    hash = entry.hash
  }
  return undefined
}
