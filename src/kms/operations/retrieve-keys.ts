// The keys of a resource (draft §4.7.7): `boundAfter` inclusive, `boundBefore` exclusive, `count` keeps
// the newest. More than one answer can hold are refused, not cut: half a list looks like a whole one.

import { refuse } from '../../refusal.ts'
import { type ResourceFacts, resourceRefusal } from '../access.ts'
import type { Asked } from '../case.ts'
import type { BoundKey } from '../key.ts'
import { type Moment, type OperationOf, operation } from '../operation.ts'
import { loadResource } from './load-resource.ts'

interface Facts extends ResourceFacts {
  readonly list: readonly BoundKey[]
}

/** About 400 bytes each in the answer. */
const KEYS_PER_ANSWER = 2500

const load = async (moment: Moment, asked: Asked<OperationOf<'retrieve-keys'>>): Promise<Facts> => {
  const { uri, filter } = asked.request.operation
  const facts = await loadResource(moment, uri, asked)
  return { ...facts, list: facts.reached ? await moment.tx.keys.ofResource(uri, filter) : [] }
}

export const retrieveKeys = operation<'retrieve-keys', Facts>('retrieve-keys', {
  runsTogether: true,
  load: (moment, asked) => Promise.all(asked.map((one) => load(moment, one))),
  decide: (facts, asked, { now }) => {
    const refusal = resourceRefusal(facts, asked.request.operation.uri, now)
    if (refusal !== undefined) return refusal
    return facts.list.length > KEYS_PER_ANSWER ? refuse('kms.answer-too-large') : undefined
  },
  act: async (_moment, decided) =>
    decided.map(({ facts }) => ({
      status: 200,
      members: {},
      keys: { member: 'keys', list: facts.list },
    })),
  record: ({ list }, asked, answer) => ({
    action: 'key.released',
    type: 'KEY_COLLECTION',
    resource: asked.request.operation.uri,
    ...(answer === undefined ? {} : { keys: list.map((key) => key.uri) }),
  }),
})
