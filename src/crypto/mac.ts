// HMAC-SHA-256 (RFC 2104) and comparison in constant time.

import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { SecretBytes } from './secret.ts'

export const hmacSha256 = (
  key: SecretBytes | Uint8Array,
  data: Uint8Array | string,
): Uint8Array => {
  const bytes = key instanceof SecretBytes ? key.expose() : key
  // As a key object even for one use: given bytes, Node takes three times as long.
  return createHmac('sha256', createSecretKey(bytes)).update(data).digest()
}

/** Are they equal? Takes the same time wherever they differ; only the length may be learnt. */
export const constantTimeEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other)
