// Our half of an agreement: an ephemeral P-256 key, ECDH by WebCrypto, HKDF-SHA-256 (draft §4.7.1, RFC 5869).
// The private half never leaves WebCrypto; a point off the curve is refused there.

import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { CryptoKey } from 'jose'
import { ClientError } from './errors.ts'
import { isJsonObject } from './json.ts'

export interface PublicHalf {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
}

export interface OwnHalf {
  readonly publicJwk: PublicHalf
  /** The channel key, 32 bytes. Rejects `client.invalid-answer` for anything but a point of the curve. */
  agree(theirs: unknown): Promise<Uint8Array>
}

export interface HalfKeys {
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
}

const P256 = { name: 'ECDH', namedCurve: 'P-256' } as const

/** A fresh half, to be used for one handshake. */
export const createOwnHalf = async (): Promise<OwnHalf> =>
  ownHalfOf(await crypto.subtle.generateKey(P256, true, ['deriveBits']))

/** The half of a key pair whose public key can be exported. */
export const ownHalfOf = async ({ publicKey, privateKey }: HalfKeys): Promise<OwnHalf> => {
  const publicJwk = parsePublicHalf(await crypto.subtle.exportKey('jwk', publicKey))
  return {
    publicJwk,
    async agree(theirs) {
      const jwk = { ...parsePublicHalf(theirs) }
      try {
        const peer = await crypto.subtle.importKey('jwk', jwk, P256, false, [])
        // 256 bits are the whole x-coordinate, zeros in front included.
        const z = await crypto.subtle.deriveBits({ name: 'ECDH', public: peer }, privateKey, 256)
        return deriveChannelKey(new Uint8Array(z))
      } catch {
        throw new ClientError('client.invalid-answer', 'jwk')
      }
    },
  }
}

/** HKDF-SHA-256 with empty salt and info, 32 bytes. */
export const deriveChannelKey = (sharedSecret: Uint8Array): Uint8Array =>
  hkdf(sha256, sharedSecret, undefined, undefined, 32)

function parsePublicHalf(raw: unknown): PublicHalf {
  if (isJsonObject(raw)) {
    const { kty, crv, x, y } = raw
    if (kty === 'EC' && crv === 'P-256' && typeof x === 'string' && typeof y === 'string') {
      return { kty, crv, x, y }
    }
  }
  throw new ClientError('client.invalid-answer', 'jwk')
}
