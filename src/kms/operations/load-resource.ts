// The facts that most operations need of a resource: does it live, and does the caller reach it? Of a foreign one only its home
// knows whether it lives; that it said lately that the caller is authorised there says both.

import type { ResourceUri } from '../../id.ts'
import { isForeign } from '../../protocol/index.ts'
import type { ResourceFacts } from '../access/access.ts'
import { reachedBy } from '../access/reached.ts'
import type { Asked } from '../corridor/case.ts'
import type { Moment } from '../corridor/operation.ts'

export const loadResource = async (
  moment: Moment,
  uri: ResourceUri,
  asked: Asked,
): Promise<ResourceFacts> => {
  const own = isForeign(uri, moment.means.uris)
    ? undefined
    : (await moment.tx.resources.find([uri])).get(uri)
  const [reached] = await reachedBy(moment, [{ asked, resourceUri: uri }])
  const resource = isForeign(uri, moment.means.uris) ? { uri } : own
  return { resource, reached: reached ?? false }
}
