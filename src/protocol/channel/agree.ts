// Two EC halves → one channel key: ECDH on P-256, then HKDF-SHA-256 with empty salt and info
// (draft §4.7.1). Nothing else of the client's JWK is kept.

import {
  agreeP256,
  deriveChannelKey,
  type PublicJwkP256,
  type Random,
  type SecretBytes,
} from '../../crypto/index.ts'
import { isRefusal, type Refusal } from '../../refusal.ts'

export interface AgreedChannel {
  /** The realm's half, to be sent in the signed answer. */
  readonly publicJwk: PublicJwkP256
  /** 32 bytes; the caller wraps it for the store and wipes it. */
  readonly channelKey: SecretBytes
}

/** Refuses with `request.invalid-point`. A client may repeat its half: each call draws a fresh one of ours. */
export const agreeChannel = (clientJwk: unknown, random: Random): AgreedChannel | Refusal => {
  const agreement = agreeP256(clientJwk, random)
  if (isRefusal(agreement)) return agreement
  const channelKey = deriveChannelKey(agreement.sharedSecret)
  agreement.sharedSecret.wipe()
  return { publicJwk: agreement.publicJwk, channelKey }
}
