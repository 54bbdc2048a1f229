// What a client needs to begin a handshake: the realm's name and its public key. This is where a
// private key would slip out if it ever could, so every member of the JWK is named (RFC 7517 §4).

import type { KmsDetails } from './link.ts'
import { isIntegerWithin, isListOf, isObjectOf, isText } from './shape.ts'

const DETAILS_MEMBERS = new Set(['kmsCluster', 'rsaPublicKey'])
/** No `use` and no `alg`: real clients fail with them. No `d`, `p`, `q`, `dp`, `dq`, `qi`, `k`: secret. */
const JWK_MEMBERS = new Set(['kty', 'kid', 'n', 'e', 'x5c'])
const RSA_PUBLIC_KEY_MAX_CHARS = 64 * 1024
const CERTIFICATES_MAX = 10

const CLUSTER = /^kms:\/\/([a-z0-9.-]{1,253}(?::\d{1,5})?)$/
const B64U = /^[A-Za-z0-9_-]+$/
const B64 = /^[A-Za-z0-9+/]+={0,2}$/

const isCertificate = (raw: unknown): raw is string => isText(raw, 16 * 1024) && B64.test(raw)

/** Details of the realm `domain`, or undefined: the cluster and the key must carry that name. */
export const parseDetails = (raw: unknown, domain?: string): KmsDetails | undefined => {
  if (!isObjectOf(raw, DETAILS_MEMBERS)) return undefined
  const { kmsCluster, rsaPublicKey } = raw
  if (!isText(kmsCluster, 300) || !isText(rsaPublicKey, RSA_PUBLIC_KEY_MAX_CHARS)) return undefined
  const host = CLUSTER.exec(kmsCluster)?.[1]
  if (host === undefined || (domain !== undefined && host.split(':')[0] !== domain))
    return undefined
  return isPublicKeyOf(host, rsaPublicKey) ? { kmsCluster, rsaPublicKey } : undefined
}

const isPublicKeyOf = (host: string, json: string): boolean => {
  const raw = parseJson(json)
  if (!isObjectOf(raw, JWK_MEMBERS) || raw['kty'] !== 'RSA') return false
  const { kid, n, e, x5c } = raw
  return (
    isText(kid, 512) &&
    kid.startsWith(`kms://${host}/`) &&
    isText(n, 2048) &&
    B64U.test(n) &&
    isText(e, 16) &&
    B64U.test(e) &&
    isListOf(x5c, CERTIFICATES_MAX, isCertificate) &&
    isIntegerWithin(x5c.length, 1, CERTIFICATES_MAX)
  )
}

/** JSON text to a value, or undefined. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
