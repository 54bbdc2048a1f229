// Which peers were just given keys of resources of ours, and for which of their users: what is to be withdrawn one day.

import { isForeign } from '../protocol/index.ts'
import { isRefusal } from '../refusal.ts'
import type { Asked } from './case.ts'
import type { Moment, Verdict } from './operation.ts'
import type { Holder } from './peer-ports.ts'

export const releasedToPeers = (
  { means, now }: Moment,
  verdicts: ReadonlyMap<Asked, Verdict>,
): readonly Holder[] =>
  [...verdicts].flatMap(([{ by }, { outcome }]) => {
    if (by.kind !== 'peer' || isRefusal(outcome)) return []
    const uris = (outcome.keys?.list ?? []).flatMap((key) =>
      key.state === 'bound' && !isForeign(key.resourceUri, means.uris) ? [key.resourceUri] : [],
    )
    const { domain, userId } = by
    return [...new Set(uris)].map((resourceUri) => ({ resourceUri, userId, domain, since: now }))
  })
