// HKDF-SHA-256 (RFC 5869), and the one derivation that clients know.

import { hkdfSync } from 'node:crypto'
import { SecretBytes } from './secret.ts'

export interface HkdfInput {
  readonly inputKey: SecretBytes
  readonly salt: Uint8Array
  readonly info: Uint8Array | string
  /** At most 255 × 32. */
  readonly lengthBytes: number
}

export const hkdfSha256 = (input: HkdfInput): SecretBytes =>
  SecretBytes.from(
    new Uint8Array(
      hkdfSync('sha256', input.inputKey.expose(), input.salt, input.info, input.lengthBytes),
    ),
  )

const CHANNEL_KEY_BYTES = 32
const EMPTY = new Uint8Array(0)

/** The channel key of an agreed secret: empty salt, empty info, 32 bytes (draft §4.7.1). */
export const deriveChannelKey = (sharedSecret: SecretBytes): SecretBytes =>
  hkdfSha256({ inputKey: sharedSecret, salt: EMPTY, info: EMPTY, lengthBytes: CHANNEL_KEY_BYTES })
