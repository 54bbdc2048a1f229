// What a peer may see of a roster: its own users, its own resources, and nobody else's. Our own callers see it whole.

import { parseUserId } from '../../id.ts'
import { hostOf } from '../../protocol/index.ts'
import type { Authorization } from '../authorization.ts'
import type { Asked } from '../corridor/case.ts'
import type { Moment } from '../corridor/operation.ts'

export const narrowed = async (
  { tx }: Moment,
  { by }: Asked,
  authorizations: readonly Authorization[],
): Promise<readonly Authorization[]> => {
  if (by.kind !== 'peer' || authorizations.length === 0) return authorizations
  const pins = await tx.peers.pins(authorizations.flatMap((one) => parseUserId(one.authId) ?? []))
  return authorizations.filter((one) => {
    if (one.kind === 'resource') return hostOf(one.authId) === by.domain
    const userId = parseUserId(one.authId)
    return userId !== undefined && pins.get(userId)?.domain === by.domain
  })
}
