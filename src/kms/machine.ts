// Machine accounts: programs that reach keys, such as bots and indexers. What one may do is what an
// administrator granted it, feature by feature and room by room; being named in a room gives it nothing.

import type { AuthorizationUri, OrganizationId, ResourceUri, UserId } from '../id.ts'
import type { OperationName } from '../protocol/index.ts'
import type { Instant } from '../time.ts'

/**
 * `index`: this realm's own indexer reads the messages of the room in that account's name, and makes them findable.
 * Over the wire it allows nothing: no operation takes it.
 */
export const FEATURES = ['read-keys', 'read-rosters', 'authorize', 'bind-keys', 'index'] as const
export type Feature = (typeof FEATURES)[number]

/** `all`: every room of the account's own organisation, those of tomorrow included. */
export type Scope = ResourceUri | 'all'

export interface MachineAccount {
  /** The `sub` of its tokens. */
  readonly userId: UserId
  /** Unique; how administrators call it. */
  readonly name: string
  readonly organizationId: OrganizationId
  readonly createdAt: Instant
  readonly disabledAt?: Instant
}

export interface FeatureGrant {
  /** Names it among a room's authorizations. */
  readonly uri: AuthorizationUri
  readonly userId: UserId
  readonly feature: Feature
  readonly scope: Scope
  readonly createdAt: Instant
}

/** A room left out of what was granted everywhere. */
export interface FeatureExclusion {
  readonly userId: UserId
  readonly feature: Feature
  readonly resourceUri: ResourceUri
  readonly createdAt: Instant
}

/** Where one feature is granted, to accounts that are not disabled. */
export interface FeaturePolicy {
  readonly grants: readonly (Pick<FeatureGrant, 'uri' | 'userId' | 'scope'> & {
    readonly organizationId: OrganizationId
  })[]
  readonly exclusions: readonly Pick<FeatureExclusion, 'userId' | 'resourceUri'>[]
}

/** Who acts in a room by a policy: the account granted first, or nobody. Rooms are asked by the thousand. */
export const agentsBy = (
  policy: FeaturePolicy,
): ((room: {
  readonly resourceUri: ResourceUri
  readonly organizationId: OrganizationId
}) => UserId | undefined) => {
  const excluded = new Set(policy.exclusions.map((one) => `${one.userId} ${one.resourceUri}`))
  const byScope = Map.groupBy(policy.grants, ({ scope }) => scope)
  const everywhere = byScope.get('all') ?? []
  return ({ resourceUri, organizationId }) =>
    [
      ...(byScope.get(resourceUri) ?? []),
      ...everywhere.filter((grant) => grant.organizationId === organizationId),
    ].find(({ userId }) => !excluded.has(`${userId} ${resourceUri}`))?.userId
}

/** Which feature an operation takes; `none` needs no grant, and what is not here is not for machines. */
export const FEATURE_OF: Partial<Readonly<Record<OperationName, Feature | 'none'>>> = {
  ping: 'none',
  'create-session': 'none',
  'delete-session': 'none',
  'create-receipts': 'none',
  'retrieve-key': 'read-keys',
  'retrieve-keys': 'read-keys',
  'retrieve-resource': 'read-keys',
  'retrieve-authorizations': 'read-rosters',
  'retrieve-authorization': 'read-rosters',
  'create-authorizations': 'authorize',
  'delete-authorization': 'authorize',
  'delete-authorizations': 'authorize',
  'create-keys': 'bind-keys',
  'bind-key': 'bind-keys',
}
