// The resource representation (draft §4.4.3), with absolute URIs throughout.

import type { AuthorizationUri, KeyUri, ResourceUri } from '../../id.ts'
import { type Instant, toRfc3339 } from '../../time.ts'

export interface ResourceFacts {
  readonly uri: ResourceUri
  readonly expiresAt?: Instant
}

export const resourceRepresentation = (
  facts: ResourceFacts,
  keyUris: readonly KeyUri[],
  authorizationUris: readonly AuthorizationUri[],
): Readonly<Record<string, unknown>> => ({
  uri: facts.uri,
  keyUris,
  authorizationUris,
  ...(facts.expiresAt === undefined ? {} : { expirationDate: toRfc3339(facts.expiresAt) }),
})
