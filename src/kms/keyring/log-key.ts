// A key that signs checkpoints, as stored: its public part in clear, its private part wrapped.

import type { SignatureAlgorithm } from '../../crypto/index.ts'
import type { Instant } from '../../time.ts'
import type { Wrapped } from '../key.ts'

export interface LogKey {
  /** What it is wrapped as: `log-key/<algorithm>/<uuid>`, `witness-key/…`. */
  readonly name: string
  /** `log`, or `witness/<generation>`: no key has two. */
  readonly purpose: string
  readonly algorithm: SignatureAlgorithm
  /** Raw bytes. */
  readonly publicKey: Uint8Array
  /** PKCS#8 DER, wrapped. */
  readonly wrapped: Wrapped
  readonly createdAt: Instant
}
