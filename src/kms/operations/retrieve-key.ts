// One key (draft §4.7.7): the busiest operation of a realm, so a whole run of requests is answered
// with two look-ups.

import { type KeyFacts, readKeyRefusal } from '../access.ts'
import type { Asked } from '../case.ts'
import { type Moment, type OperationOf, operation } from '../operation.ts'
import { reachedBy, type Wanted } from '../reached.ts'

const load = async (
  moment: Moment,
  asked: readonly Asked<OperationOf<'retrieve-key'>>[],
): Promise<readonly KeyFacts[]> => {
  const keys = await moment.tx.keys.find([
    ...new Set(asked.map((one) => one.request.operation.uri)),
  ])
  const wanted: Wanted[] = []
  const places = asked.map((one) => {
    const key = keys.get(one.request.operation.uri)
    if (key?.state !== 'bound') return { key, place: -1 }
    return { key, place: wanted.push({ asked: one, resourceUri: key.resourceUri }) - 1 }
  })
  const reached = await reachedBy(moment, wanted)
  return places.map(({ key, place }) => ({ key, reached: reached[place] ?? false }))
}

export const retrieveKey = operation('retrieve-key', {
  runsTogether: true,
  load,
  decide: (facts, asked, { now }) =>
    readKeyRefusal(facts, asked.subject, asked.request.operation.uri, now),
  act: async (_moment, decided) =>
    decided.map(({ facts: { key } }) => ({
      status: 200,
      members: {},
      ...(key === undefined ? {} : { keys: { member: 'key', list: [key] } }),
    })),
  record: ({ key }, asked, answer) => ({
    action: 'key.released',
    type: 'KEY',
    ...(answer === undefined ? {} : { keys: [asked.request.operation.uri] }),
    ...(key?.state === 'bound' ? { resource: key.resourceUri } : {}),
  }),
})
