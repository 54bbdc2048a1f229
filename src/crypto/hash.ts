// SHA-256 (FIPS 180-4), the only hash outside HMAC, HKDF and the RSA paddings.

import { createHash, hash } from 'node:crypto'

const SHA256_BYTES = 32

/**
 * Text is hashed as UTF-8. The digest comes as text of one byte a character: asked for as bytes, the runtime
 * makes an external buffer of it, which costs several times as much as hashing a short input.
 */
export const sha256 = (data: Uint8Array | string): Uint8Array => {
  const digest = hash('sha256', data, 'binary')
  const bytes = new Uint8Array(SHA256_BYTES)
  for (let index = 0; index < SHA256_BYTES; index++) bytes[index] = digest.charCodeAt(index)
  return bytes
}

/** Lower case. */
export const sha256Hex = (data: Uint8Array | string): string => hash('sha256', data, 'hex')

/** Of a long file, piece by piece; lower case. */
export const sha256OfPieces = (pieces: Iterable<Uint8Array>): string => {
  const digest = createHash('sha256')
  for (const piece of pieces) digest.update(piece)
  return digest.digest('hex')
}

/** SHA-256 of what passes by. */
export interface Digest {
  add(piece: Uint8Array): void
  /** Lower case. Ends it. */
  hex(): string
}

export const createDigest = (): Digest => {
  const digest = createHash('sha256')
  return {
    add: (piece) => void digest.update(piece),
    hex: () => digest.digest('hex'),
  }
}
