// SHA-256 (FIPS 180-4), the only hash outside HMAC, HKDF and the RSA paddings.

import { createHash, hash } from 'node:crypto'

export const sha256 = (data: Uint8Array | string): Uint8Array => hash('sha256', data, 'buffer')

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
