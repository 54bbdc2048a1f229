// A peer binds a key of its own realm to a resource of ours: the key stays there, and here it is recorded that it exists, so that
// the list of the resource's keys is whole. Told again it is answered the same, whatever has become of the user since.

import { refuse } from '../../refusal.ts'
import { toRfc3339 } from '../../time.ts'
import { type ResourceFacts, resourceRefusal } from '../access/access.ts'
import type { Answer } from '../corridor/answer.ts'
import type { Asked } from '../corridor/case.ts'
import { operation } from '../corridor/operation.ts'
import type { ForeignKey } from '../foreign/peer-ports.ts'
import type { Transaction } from '../ports.ts'
import { loadResource } from './load-resource.ts'

interface Facts extends ResourceFacts {
  readonly recorded: ForeignKey | undefined
  /** The core has given up the operation that it would have been part of. */
  readonly isWithdrawn: boolean
}

const isWithdrawn = async (tx: Transaction, { received }: Asked): Promise<boolean> => {
  const { operationId: id } = received
  return id !== undefined && (await tx.operations.find([id])).get(id)?.state === 'withdrawn'
}

export const recordForeignKey = operation<'bind-key', Facts>('bind-key', {
  runsTogether: false,
  load: (moment, asked) =>
    Promise.all(
      asked.map(async (one) => {
        const { uri, resourceUri } = one.request.operation
        const known = await moment.tx.copies.foreignKeys([uri])
        return {
          recorded: known.get(uri),
          isWithdrawn: await isWithdrawn(moment.tx, one),
          ...(await loadResource(moment, resourceUri, one)),
        }
      }),
    ),
  decide: ({ recorded, isWithdrawn: isGivenUp, ...facts }, asked, { now }) => {
    const { uri, resourceUri } = asked.request.operation
    if (recorded === undefined) {
      return isGivenUp ? refuse('rooms.withdrawn') : resourceRefusal(facts, resourceUri, now)
    }
    return recorded.resourceUri === resourceUri ? undefined : refuse('kms.key-already-bound', uri)
  },
  act: async ({ tx, now }, decided) => {
    const answers: Answer[] = []
    for (const { facts, asked } of decided) {
      const { uri, resourceUri } = asked.request.operation
      const key = facts.recorded ?? { uri, resourceUri, boundAt: now }
      if (facts.recorded === undefined) {
        await tx.copies.addForeignKey(key)
        await tx.resources.markRenewed(resourceUri)
      }
      const bound = { uri, resourceUri, bindDate: toRfc3339(key.boundAt) }
      answers.push({ status: 200, members: { key: bound }, resourceUri })
    }
    return answers
  },
  record: (_facts, asked, answer) => ({
    action: 'key.bound',
    type: 'KEY',
    resource: asked.request.operation.resourceUri,
    ...(answer === undefined ? {} : { keys: [asked.request.operation.uri] }),
  }),
})
