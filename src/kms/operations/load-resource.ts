// The facts that most operations need of a resource: does it live, and does the subject reach it?

import type { AuthorizationUri, ResourceUri, UserId } from '../../id.ts'
import type { ResourceFacts } from '../access.ts'
import type { Moment } from '../operation.ts'

export const loadResource = async (
  { tx, now }: Moment,
  uri: ResourceUri,
  subject: UserId | AuthorizationUri,
): Promise<ResourceFacts> => {
  const resources = await tx.resources.find([uri])
  const [reached] = await tx.authorizations.reach([{ resourceUri: uri, authId: subject }], now)
  return { resource: resources.get(uri), reached: reached ?? false }
}
