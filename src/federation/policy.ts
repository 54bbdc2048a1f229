// With whom this realm works at all, as its settings say. A peer that an administrator has blocked is a row of the store, so that
// it takes effect on the next request; this here takes a new start.

import { type Refusal, refuse } from '../refusal.ts'
import type { Duration } from '../time.ts'
import type { PeerDomain } from './domain.ts'

export interface FederationPolicy {
  /** `open`: whoever has a certificate that is accepted. */
  readonly mode: 'open' | 'listed' | 'closed'
  /** For `listed`. */
  readonly listed: ReadonlySet<string>
  /** `listed`: only an administrator says whose user somebody is. */
  readonly claims: 'open' | 'listed'
  readonly authorizationFreshFor: Duration
  /** 0: what its home does not confirm is refused. */
  readonly offlineGraceFor: Duration
  /** How long a peer may take to answer; clients wait six seconds for everything together. */
  readonly patience: Duration
}

export const policyRefusal = (
  { mode, listed }: FederationPolicy,
  own: PeerDomain | string,
  domain: string,
): Refusal | undefined => {
  if (mode === 'closed') return refuse('federation.closed', domain)
  // Who shows our own name has our own key; there is nothing to ask, and something to look into.
  if (domain === own) return refuse('federation.blocked', domain)
  return mode === 'open' || listed.has(domain) ? undefined : refuse('federation.not-listed', domain)
}
