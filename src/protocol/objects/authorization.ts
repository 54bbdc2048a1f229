// The authorization representation (draft §4.4.2). An anonymous one carries its bearer when it is
// created, and its own URI as `authId`, so that whoever lists it can name it to remove it.

import type { AuthId, AuthorizationUri, ResourceUri } from '../../id.ts'
import { type Instant, toRfc3339 } from '../../time.ts'
import type { RoleName } from '../operation.ts'

export interface AuthorizationFacts {
  readonly uri: AuthorizationUri
  readonly resourceUri: ResourceUri
  readonly authId: AuthId
  readonly role: RoleName
  readonly createdAt: Instant
  readonly expiresAt?: Instant
}

export const authorizationRepresentation = (
  facts: AuthorizationFacts,
  home: string,
): Readonly<Record<string, unknown>> => ({
  uri: facts.uri,
  authId: facts.authId,
  resourceUri: facts.resourceUri,
  roleUri: `${home}/roles/${facts.role}`,
  createDate: toRfc3339(facts.createdAt),
  ...(facts.expiresAt === undefined ? {} : { expirationDate: toRfc3339(facts.expiresAt) }),
})
