// What the operator decides for the KMS. Values come from `config/`; nothing here has a default.

import type { OrganizationId } from '../id.ts'
import type { Duration } from '../time.ts'

export interface KmsSettings {
  /** Host of every URI of this realm, lower case. */
  readonly domain: string
  /** Organisations served; the first is the operator's and owns the realm's own keys. */
  readonly organizations: readonly [OrganizationId, ...OrganizationId[]]
  /** Between 30 s and 24.8 days, or real clients drop the session at once. */
  readonly sessionLifetime: Duration
  /** How much longer than announced a session is accepted. */
  readonly sessionGrace: Duration
  /** Live sessions of one device of one user. */
  readonly sessionsPerDevice: number
  /** Live sessions of one user, over all devices. */
  readonly sessionsPerUser: number
  /** How long an unbound key may be bound. */
  readonly unboundLifetime: Duration
  /** Keys in one create request. */
  readonly keysPerRequest: number
  /** How long a repeated creation of a resource from the same keys is answered with the first one. */
  readonly sameCreateFor: Duration
  /** Unbound keys of one user. */
  readonly unboundPerUser: number
  /** Characters of one sealed message. */
  readonly sealedMessageMaxChars: number
  /** Characters of one sealed answer; a larger one is replaced by a refusal. */
  readonly sealedAnswerMaxChars: number
  /** The token role that may read on behalf of others in its organisation. */
  readonly complianceRole: string
  /** How long a request waits for an identity provider that does not answer. */
  readonly identityPatience: Duration
  /** Live channels kept in memory. */
  readonly liveChannels: number
}
