// What identity needs of the world: an identity provider that can be asked, and the realm's own bearers.
// Both are honest about not knowing: "could not ask" is `identity.provider-unavailable`, never a "no".

import type { JwtClaims, VerificationKey } from '../crypto/index.ts'
import type { Refusal } from '../refusal.ts'
import type { Duration } from '../time.ts'
import type { Anonymous } from './principal.ts'

export interface KeysQuestion {
  readonly issuer: string
  /** As the token names it, unverified; absent if it names none. */
  readonly kid?: string
  /** How long the caller can wait; retries happen inside it. */
  readonly within: Duration
}

export interface IntrospectionQuestion {
  readonly issuer: string
  readonly token: string
  readonly within: Duration
}

export type Introspection =
  | { readonly active: false }
  | { readonly active: true; readonly claims: JwtClaims }

export interface IdentityProvider {
  /**
   * Keys that may have made a signature: those of that kid, or all if the token names none. Empty means that
   * a fresh answer of the provider lists no such key. Refuses only `identity.provider-unavailable`.
   */
  keysFor(question: KeysQuestion): Promise<readonly VerificationKey[] | Refusal>
  /** RFC 7662. Refuses only `identity.provider-unavailable`. */
  introspect(question: IntrospectionQuestion): Promise<Introspection | Refusal>
}

/** Tokens that the realm itself issued to anonymous bearers (draft §4.7.8). */
export interface Bearers {
  /** The `iss` of those tokens: `kms://HOST`. */
  readonly issuer: string
  /** Undefined if it is no such token after all. */
  verify(token: string): Anonymous | Refusal | undefined
}
