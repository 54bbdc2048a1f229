// Signatures over the log's checkpoints, Ed25519 (RFC 8032) and ML-DSA-44, and over releases, Ed25519 and ML-DSA-65
// (FIPS 204, pure, empty context). Public keys travel as their raw bytes. Checking needs nothing but Node.

import { createPublicKey, type KeyObject, verify } from 'node:crypto'

/** What we sign with. */
export type SignatureAlgorithm = 'ed25519' | 'ml-dsa-44'

/** What we check. */
export type CheckedAlgorithm = SignatureAlgorithm | 'ml-dsa-65'

interface Facts {
  readonly publicKeyBytes: number
  readonly signatureBytes: number
  readonly jwk: (base64url: string) => Record<string, string>
}

export const SIGNATURE_FACTS: Readonly<Record<CheckedAlgorithm, Facts>> = {
  ed25519: {
    publicKeyBytes: 32,
    signatureBytes: 64,
    jwk: (x) => ({ kty: 'OKP', crv: 'Ed25519', x }),
  },
  'ml-dsa-44': {
    publicKeyBytes: 1312,
    signatureBytes: 2420,
    jwk: (pub) => ({ kty: 'AKP', alg: 'ML-DSA-44', pub }),
  },
  'ml-dsa-65': {
    publicKeyBytes: 1952,
    signatureBytes: 3309,
    jwk: (pub) => ({ kty: 'AKP', alg: 'ML-DSA-65', pub }),
  },
}

const publicKeyFrom = (algorithm: CheckedAlgorithm, raw: Uint8Array): KeyObject =>
  createPublicKey({
    key: SIGNATURE_FACTS[algorithm].jwk(Buffer.from(raw).toString('base64url')),
    format: 'jwk',
  })

/** False for anything that is not this key's signature over this message, of whatever length. */
export const verifySignature = (
  algorithm: CheckedAlgorithm,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean => {
  const { publicKeyBytes, signatureBytes } = SIGNATURE_FACTS[algorithm]
  if (publicKey.length !== publicKeyBytes || signature.length !== signatureBytes) return false
  return verify(null, message, publicKeyFrom(algorithm, publicKey), signature)
}
