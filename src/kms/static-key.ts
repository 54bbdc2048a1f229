// The realm's RSA identity as stored: certificate chain in clear, private key wrapped. Older ones are
// kept, because running clients go on using the one they fetched at start.

import type { StaticKeyUri } from '../id.ts'
import type { Instant } from '../time.ts'
import type { Wrapped } from './key.ts'

export interface StaticKey {
  readonly uri: StaticKeyUri
  /** The published JWK: kty, kid, n, e, x5c and nothing else. */
  readonly publicJwkJson: string
  /** PKCS#8 DER, wrapped. */
  readonly wrapped: Wrapped
  readonly createdAt: Instant
}
