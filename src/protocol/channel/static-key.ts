// The realm's RSA identity (draft §4.3, §5): its URI, the JWK that clients are shown, and the private
// half that opens handshakes and signs their answers.

import { type CertificateChain, type RsaPrivateKey, staticJwkOf } from '../../crypto/index.ts'
import type { StaticKeyUri } from '../../id.ts'

/** A static key in use: named by `uri`, which is also the `kid` of everything it signs. */
export interface StaticIdentity {
  readonly uri: StaticKeyUri
  readonly privateKey: RsaPrivateKey
}

// Up to 15 digits: a whole number that JSON and SQL hold exactly.
const STATIC_KEY_URI = /^kms:\/\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/statickeys\/[1-9]\d{0,14}$/

/** `kms://HOST/statickeys/N`, host in lower case and no port; undefined for anything else. */
export const parseStaticKeyUri = (raw: unknown): StaticKeyUri | undefined =>
  typeof raw === 'string' && STATIC_KEY_URI.test(raw) ? (raw as StaticKeyUri) : undefined

/** The published JWK as JSON: kty, kid, n, e, x5c and nothing else. */
export const printStaticKey = (chain: CertificateChain, uri: StaticKeyUri): string =>
  JSON.stringify(staticJwkOf(chain, uri))
