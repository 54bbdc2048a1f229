// The key representation (draft §4.4.1) as real clients read it: `kty`, `kid`, `k` and no other JWK
// member (`alg` or `use` would break text encryption), and `kid` is the absolute URI, the same string
// for everyone and for ever, since clients compute HMACs over the JWK's JSON.

import type { ClientId, KeyUri, ResourceUri, UserId } from '../../id.ts'
import { type Instant, toRfc3339 } from '../../time.ts'

export interface KeyFacts {
  readonly uri: KeyUri
  readonly createdBy: UserId
  readonly clientId: ClientId
  readonly createdAt: Instant
  /** Unbound keys: the last moment to bind. */
  readonly bindBy?: Instant
  readonly boundAt?: Instant
  readonly resourceUri?: ResourceUri
}

/** `k` is the key's 32 bytes in base64url: this object must go nowhere but into a sealed answer. */
export const keyRepresentation = (
  facts: KeyFacts,
  k: string,
): Readonly<Record<string, unknown>> => ({
  uri: facts.uri,
  jwk: { kty: 'oct', kid: facts.uri, k },
  userId: facts.createdBy,
  clientId: facts.clientId,
  createDate: toRfc3339(facts.createdAt),
  ...(facts.bindBy === undefined ? {} : { expirationDate: toRfc3339(facts.bindBy) }),
  ...(facts.boundAt === undefined ? {} : { bindDate: toRfc3339(facts.boundAt) }),
  ...(facts.resourceUri === undefined ? {} : { resourceUri: facts.resourceUri }),
})
