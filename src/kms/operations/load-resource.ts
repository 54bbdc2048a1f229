// The facts that most operations need of a resource: does it live, and does the caller reach it?

import type { ResourceUri } from '../../id.ts'
import type { ResourceFacts } from '../access.ts'
import type { Asked } from '../case.ts'
import type { Moment } from '../operation.ts'
import { reachedBy } from '../reached.ts'

export const loadResource = async (
  moment: Moment,
  uri: ResourceUri,
  asked: Asked,
): Promise<ResourceFacts> => {
  const resources = await moment.tx.resources.find([uri])
  const [reached] = await reachedBy(moment, [{ asked, resourceUri: uri }])
  return { resource: resources.get(uri), reached: reached ?? false }
}
