// Which peers were just told, of a resource of ours, that one of their users is authorised there, with its keys or without: what is
// to be withdrawn one day.

import type { ResourceUri } from '../../id.ts'
import { isForeign } from '../../protocol/index.ts'
import { isRefusal } from '../../refusal.ts'
import type { Asked } from '../corridor/case.ts'
import type { Moment, Verdict } from '../corridor/operation.ts'
import type { Holder } from './peer-ports.ts'

const resourcesIn = ({ outcome, recorded }: Verdict): readonly ResourceUri[] => {
  if (isRefusal(outcome)) return []
  const ofKeys = (outcome.keys?.list ?? []).flatMap((key) =>
    key.state === 'bound' ? [key.resourceUri] : [],
  )
  const named = recorded.resource as ResourceUri | undefined
  return named === undefined ? ofKeys : [named, ...ofKeys]
}

/** Whoever took the user out of the room knows it. */
const isRemoval = ({ recorded }: Verdict): boolean => recorded.action === 'authorization.removed'

export const releasedToPeers = (
  { means, now }: Moment,
  verdicts: ReadonlyMap<Asked, Verdict>,
): readonly Holder[] =>
  [...verdicts].flatMap(([{ by }, verdict]) => {
    if (by.kind !== 'peer' || isRemoval(verdict)) return []
    const uris = resourcesIn(verdict).filter((uri) => !isForeign(uri, means.uris))
    const { domain, userId } = by
    return [...new Set(uris)].map((resourceUri) => ({ resourceUri, userId, domain, since: now }))
  })
