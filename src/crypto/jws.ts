// Compact JWS (RFC 7515 §7.1) with PS256: what a realm signs with its static key. It only signs; the
// realm is asked to verify no JWS but access tokens, and those are in `jwt.ts`.

import { encodeB64u, encodeTextB64u } from './encoding.ts'
import type { RsaPrivateKey } from './rsa.ts'
import type { RsaWorkers } from './rsa-workers.ts'

/** Header exactly `{"alg":"PS256","kid":…}`. */
export const signCompactJws = async (
  payload: string,
  kid: string,
  key: RsaPrivateKey,
  workers: RsaWorkers,
): Promise<string> => {
  const header = encodeTextB64u(JSON.stringify({ alg: 'PS256', kid }))
  const signed = `${header}.${encodeTextB64u(payload)}`
  const signature = await workers.signPs256(key, Buffer.from(signed, 'latin1'))
  return `${signed}.${encodeB64u(signature)}`
}
