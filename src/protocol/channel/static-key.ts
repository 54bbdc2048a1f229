// The realm's RSA identity (draft §4.3, §5): its URI, the JWK that clients are shown, and the private
// half that opens handshakes and signs their answers. Parsing checks form, never trust.

import {
  type CertificateChain,
  parseStaticJwk,
  type RsaPrivateKey,
  type StaticJwk,
  staticJwkOf,
} from '../../crypto/index.ts'
import type { StaticKeyUri } from '../../id.ts'

/** A static key in use: named by `uri`, which is also the `kid` of everything it signs. */
export interface StaticIdentity {
  readonly uri: StaticKeyUri
  readonly privateKey: RsaPrivateKey
}

// Up to 15 digits: a whole number that JSON and SQL hold exactly.
const STATIC_KEY_URI =
  /^kms:\/\/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)\/statickeys\/[1-9]\d{0,14}$/

/** `kms://HOST/statickeys/N`, host in lower case and no port; undefined for anything else. */
export const parseStaticKeyUri = (raw: unknown): StaticKeyUri | undefined =>
  typeof raw === 'string' && STATIC_KEY_URI.test(raw) ? (raw as StaticKeyUri) : undefined

/** The host that a client compares with the certificate's name. */
export const hostOfStaticKey = (uri: StaticKeyUri): string => STATIC_KEY_URI.exec(uri)?.[1] ?? ''

/** The published JWK as JSON: kty, kid, n, e, x5c and nothing else. */
export const printStaticKey = (chain: CertificateChain, uri: StaticKeyUri): string =>
  JSON.stringify(staticJwkOf(chain, uri))

export interface PublishedStaticKey extends StaticJwk {
  readonly kid: StaticKeyUri
}

const JSON_MAX_CHARS = 64 * 1024

/** What `printStaticKey` printed, checked in form: the leaf carries this key. Undefined for anything else. */
export const parseStaticKey = (json: string): PublishedStaticKey | undefined => {
  if (json.length > JSON_MAX_CHARS) return undefined
  try {
    const jwk = parseStaticJwk(JSON.parse(json))
    const kid = parseStaticKeyUri(jwk?.kid)
    return jwk === undefined || kid === undefined ? undefined : { ...jwk, kid }
  } catch {
    return undefined
  }
}
