// A list of hashes as base64 text (RFC 4648 §4): whole hashes, rising, written in the one canonical way.
// Refuses any other order: a list in the order of a message's words would tell which word comes first.

import { HASH_BYTES } from './search.ts'
import { isText } from './shape.ts'

/** At most `most` hashes of 10 bytes each, in rising order. */
export const isHashList = (raw: unknown, most: number): raw is string => {
  if (!isText(raw, Math.ceil((most * HASH_BYTES) / 3) * 4)) return false
  const bytes = bytesOf(raw)
  return bytes !== undefined && bytes.length % HASH_BYTES === 0 && isRising(bytes)
}

/** One character a byte; undefined for anything that is not canonical base64. */
const bytesOf = (text: string): string | undefined => {
  try {
    const bytes = atob(text)
    return btoa(bytes) === text ? bytes : undefined
  } catch {
    return undefined
  }
}

const isRising = (bytes: string): boolean => {
  let last = ''
  for (let at = 0; at < bytes.length; at += HASH_BYTES) {
    const hash = bytes.slice(at, at + HASH_BYTES)
    if (hash < last) return false
    last = hash
  }
  return true
}
