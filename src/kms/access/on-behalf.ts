// A compliance read: the officer asks, access is decided as the other person. Only reading, only with
// the role, only within the officer's own organisation. Naming oneself is an ordinary request.

import type { AuthorizationUri, OrganizationId, UserId } from '../../id.ts'
import type { Principal } from '../../identity/index.ts'
import type { OperationName } from '../../protocol/index.ts'
import { type Refusal, refuse } from '../../refusal.ts'

const READING: ReadonlySet<OperationName> = new Set([
  'ping',
  'retrieve-key',
  'retrieve-keys',
  'retrieve-resource',
  'retrieve-authorizations',
  'retrieve-authorization',
])

export const ownSubject = (by: Principal): UserId | AuthorizationUri =>
  by.kind === 'anonymous' ? by.authorizationUri : by.userId

/** As whom access is to be decided, as far as the caller's token alone can tell. */
export const subjectOf = (
  by: Principal,
  onBehalfOf: UserId | undefined,
  operation: OperationName,
  complianceRole: string,
): UserId | AuthorizationUri | Refusal => {
  const own = ownSubject(by)
  if (onBehalfOf === undefined || onBehalfOf === own) return own
  const mayActForOthers = by.kind === 'person' && by.roles.has(complianceRole)
  return mayActForOthers && READING.has(operation)
    ? onBehalfOf
    : refuse('identity.on-behalf-not-allowed')
}

/** The second half, once the directory has been read: a person of unknown organisation is nobody's. */
export const organizationRefusal = (
  by: Principal,
  organizationOfSubject: OrganizationId | undefined,
): Refusal | undefined =>
  by.kind === 'person' && by.organizationId === organizationOfSubject
    ? undefined
    : refuse('identity.on-behalf-outside-organization')
