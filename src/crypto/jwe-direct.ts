// JWE with `dir` and A256GCM (RFC 7518 §4.5, §5.3): session messages, content, search queries. This is
// the hot path, so it is ours on node:crypto instead of jose's promises; tests compare it with jose.

import { type AesKey, IV_BYTES, openGcm, sealGcm } from './aes.ts'
import { encodeB64u, encodeTextB64u } from './encoding.ts'
import { type CompactJwe, parseCompactJwe } from './jwe.ts'
import type { Random } from './random.ts'

/** A header made once and used for every message of one session. */
export interface DirectHeader {
  readonly kid: string | undefined
  readonly encoded: string
  readonly associatedData: Uint8Array
}

/** Exactly `{"enc":"A256GCM","alg":"dir","kid":…}`, without `kid` if there is none. */
export const directHeader = (kid?: string): DirectHeader => {
  const encoded = encodeTextB64u(JSON.stringify({ enc: 'A256GCM', alg: 'dir', kid }))
  return { kid, encoded, associatedData: Buffer.from(encoded, 'latin1') }
}

/** The plaintext, or undefined: one answer for every failure. Never throws on any message. */
export const openDirect = (message: string | CompactJwe, key: AesKey): Uint8Array | undefined => {
  const parts = typeof message === 'string' ? parseCompactJwe(message) : message
  if (parts === undefined) return undefined
  if (parts.header.alg !== 'dir' || parts.header.enc !== 'A256GCM') return undefined
  if (parts.encryptedKey.length !== 0) return undefined
  return openGcm(key, parts)
}

/** A compact JWE with a fresh 96-bit IV. */
export const sealDirect = (
  plaintext: string | Uint8Array,
  key: AesKey,
  header: DirectHeader,
  random: Random,
): string => {
  const iv = random.bytes(IV_BYTES)
  const { ciphertext, tag } = sealGcm(key, { iv, associatedData: header.associatedData }, plaintext)
  return `${header.encoded}..${encodeB64u(iv)}.${encodeB64u(ciphertext)}.${encodeB64u(tag)}`
}
