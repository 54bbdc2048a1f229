// Making authorizations: named ones once each, anonymous ones as many as asked (draft §4.7.8). What an
// authorization names is not looked up: a user may never have been here, and saying whether a resource
// exists would tell a stranger.

import type { AuthId, ResourceUri, UserId } from '../../id.ts'
import { authorizationRepresentation, type NewAuthorizations } from '../../protocol/index.ts'
import { after, seconds } from '../../time.ts'
import type { Authorization } from '../authorization.ts'
import type { BearerOrder } from '../corridor/answer.ts'
import type { Moment } from '../corridor/operation.ts'

export interface Grant {
  readonly resourceUri: ResourceUri
  readonly by: UserId
  readonly wanted: NewAuthorizations
  /** Resources are let in by the maker alone, and count as long as the maker is there by name. */
  readonly areBrought: boolean
}

export const isUserId = (authId: AuthId): boolean => !authId.startsWith('kms:')

/** `wanted.authIds` in their order, then the anonymous ones. */
export const newAuthorizations = (
  { resourceUri, by, wanted, areBrought }: Grant,
  { means, now }: Moment,
): readonly Authorization[] => {
  const expiry =
    wanted.ttlSeconds === 0 ? {} : { expiresAt: after(now, seconds(wanted.ttlSeconds)) }
  const base = { resourceUri, role: wanted.role, createdBy: by, createdAt: now, ...expiry }
  const named = wanted.authIds.map(
    (authId): Authorization => ({
      ...base,
      uri: means.uris.authorization(means.random.uuid()),
      authId,
      kind: isUserId(authId) ? 'user' : 'resource',
      ...(areBrought && !isUserId(authId) ? { isBrought: true } : {}),
    }),
  )
  const anonymous = Array.from({ length: wanted.anonymous }, (): Authorization => {
    const uri = means.uris.authorization(means.random.uuid())
    return { ...base, uri, authId: uri, kind: 'anonymous' }
  })
  return [...named, ...anonymous]
}

export const bearerOrders = (authorizations: readonly Authorization[]): readonly BearerOrder[] =>
  authorizations
    .filter((one) => one.kind === 'anonymous')
    .map(({ uri, resourceUri, createdAt, expiresAt }) => ({
      uri,
      resourceUri,
      issuedAt: createdAt,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    }))

/** What the representation of an authorization says; machines have grants that look the same. */
export type Represented = Omit<Authorization, 'createdBy' | 'kind' | 'isBrought'>

export const represent = (authorizations: readonly Represented[], home: string) =>
  authorizations.map((one) => authorizationRepresentation(one, home))
