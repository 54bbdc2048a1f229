// Is this the realm's static key? The JWK that the core hands out is believed only if its certificate chain ends in
// one of our roots and names exactly the host that we expect (draft §4.3, §5). The core is not trusted with this.

import {
  type Certificate,
  checkChain,
  distrust,
  dnsNamesOf,
  maySignAndEncipher,
  parseX5c,
} from './certificates.ts'
import type { StaticKey } from './jose.ts'
import { type JsonObject, parseJsonObject } from './json.ts'

export interface RealmTrust {
  /** The realm's host in lower case, as the organisation told its people: `kms.acme.example`. */
  readonly domain: string
  readonly roots: readonly Certificate[]
}

export interface KmsDetails {
  /** `kms://HOST` */
  readonly kmsCluster: string
  /** The static JWK, as JSON text. */
  readonly rsaPublicKey: string
}

/**
 * The static key, proven. Rejects `client.realm-not-trusted`, `about`: `name` for another host than the expected one
 * in any of the three places where it stands, `key-mismatch` if JWK and certificate differ, `key-usage`,
 * `static-key` for any other JWK than an RSA one without `use` or `alg`, or what the chain lacks.
 */
export const validateRealm = async (
  { kmsCluster, rsaPublicKey }: KmsDetails,
  { domain, roots }: RealmTrust,
  now: number,
): Promise<StaticKey> => {
  const jwk = parseJsonObject(rsaPublicKey)
  if (jwk === undefined) throw distrust('static-key')
  const { kty, kid, n, e, x5c, use, alg } = jwk
  const isRsa = kty === 'RSA' && typeof n === 'string' && typeof e === 'string'
  if (!isRsa || typeof kid !== 'string' || use !== undefined || alg !== undefined) {
    throw distrust('static-key')
  }
  if (kmsCluster !== `kms://${domain}` || hostOf(kid) !== domain) throw distrust('name')
  const leaf = await checkChain({ chain: parseX5c(x5c), roots, now })
  if (!dnsNamesOf(leaf).some((name) => name.toLowerCase() === domain)) throw distrust('name')
  if (!maySignAndEncipher(leaf)) throw distrust('key-usage')
  const certified = await publicJwkOf(leaf)
  if (certified['n'] !== n || certified['e'] !== e) throw distrust('key-mismatch')
  return { kid, jwk: { kty, n, e } }
}

/** Host of a `kms:` URI without port, credentials or query; undefined for anything else. */
export const hostOf = (uri: string): string | undefined =>
  /^kms:\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)\/[\w/.~-]+$/.exec(uri)?.[1]

async function publicJwkOf(certificate: Certificate): Promise<JsonObject> {
  try {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey(
      'spki',
      certificate.publicKey.rawData,
      algorithm,
      true,
      ['verify'],
    )
    return { ...(await crypto.subtle.exportKey('jwk', key)) }
  } catch {
    throw distrust('static-key')
  }
}
