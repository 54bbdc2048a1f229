// Tokens of anonymous bearers: JWTs that the realm issues to itself, HS256 (RFC 7519, RFC 7518 §3.2).
// Only the exact header that we write is accepted, so there is no algorithm to confuse.

import { decodeB64u, decodeUtf8, encodeB64u, encodeTextB64u } from './encoding.ts'
import { constantTimeEqual, hmacSha256 } from './mac.ts'
import type { SecretBytes } from './secret.ts'

const HEADER = encodeTextB64u('{"alg":"HS256","typ":"JWT"}')
const TOKEN_MAX_CHARS = 4096

/** `claims` must be JSON without secrets: whoever holds the token can read them. */
export const signBearer = (claims: Readonly<Record<string, unknown>>, key: SecretBytes): string => {
  const signed = `${HEADER}.${encodeTextB64u(JSON.stringify(claims))}`
  return `${signed}.${encodeB64u(hmacSha256(key, signed))}`
}

/** The claims of a token signed with `key`, untrusted in shape and expiry; undefined for any other text. */
export const verifyBearer = (token: string, key: SecretBytes): unknown => {
  if (token.length > TOKEN_MAX_CHARS || !token.startsWith(`${HEADER}.`)) return undefined
  const end = token.lastIndexOf('.')
  const signature = decodeB64u(token.slice(end + 1))
  if (signature === undefined || end <= HEADER.length) return undefined
  if (!constantTimeEqual(signature, hmacSha256(key, token.slice(0, end)))) return undefined
  const payload = decodeB64u(token.slice(HEADER.length + 1, end))
  const json = payload === undefined ? undefined : decodeUtf8(payload)
  try {
    return json === undefined ? undefined : JSON.parse(json)
  } catch {
    return undefined
  }
}
