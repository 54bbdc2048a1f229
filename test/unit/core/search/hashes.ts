// Hashes for tests: any text gives one of 10 bytes, always the same; lists of them are packed in rising order.

import { createHash } from 'node:crypto'

/** The hash that stands for this text. */
export const hashOf = (text: string): Buffer =>
  createHash('sha256').update(text).digest().subarray(0, 10)

/** Packed, rising. */
export const packed = (...texts: readonly string[]): Buffer =>
  Buffer.concat(texts.map(hashOf).toSorted(Buffer.compare))
