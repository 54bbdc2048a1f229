// Unbound → bound (draft §4.7.6): by the key's creator, to a resource they are authorised on, once.
// Binding it again to the same resource is a client's retry and answered like the first time, unless
// somebody left meanwhile: then it would pass for the new key that the room still lacks. To a resource of
// another realm a key is bound once that realm has recorded it.

import { isForeign } from '../../protocol/index.ts'
import { isRefusal, refuse } from '../../refusal.ts'
import type { KeyFacts, ResourceFacts } from '../access/access.ts'
import { accountRefusal, bindRefusal, resourceRefusal } from '../access/access.ts'
import type { Answer } from '../corridor/answer.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import { askHome, type PeerAsk } from '../foreign/foreign.ts'
import { type BoundKey, bindTo } from '../key.ts'
import { loadResource } from './load-resource.ts'

type Facts = ResourceFacts &
  Pick<KeyFacts, 'key'> & {
    /** The resource of another realm that it is being bound to. */
    readonly promisedTo: string | undefined
  }

const isBoundTo = (key: KeyFacts['key'], resourceUri: string): key is BoundKey =>
  key?.state === 'bound' && key.resourceUri === resourceUri

type Ask = Asked<OperationOf<'bind-key'>>

const keyRefusal = ({ key, resource }: Facts, { subject, request }: Ask, { now }: Moment) => {
  const { uri, resourceUri } = request.operation
  const isOwn = isBoundTo(key, resourceUri) && key.createdBy === subject
  const isRetry = isOwn && resource?.staleSince === undefined
  return isRetry ? undefined : bindRefusal(key, subject, uri, now)
}

const awaits = (facts: Facts, asked: Ask, moment: Moment): PeerAsk[] => {
  const { operation: wanted } = asked.request
  const isHere = !isForeign(wanted.resourceUri, moment.means.uris)
  if (isHere || keyRefusal(facts, asked, moment) !== undefined) return []
  return [askHome(asked, wanted, wanted.resourceUri)]
}

/** The home of the resource has recorded it, and that is all that it says: nothing of who may read there now. */
const isRecordedThere = ({ told = [] }: Ask): boolean =>
  told.some(({ ask, result }) => ask.operation.name === 'bind-key' && !isRefusal(result))

export const bindKey = operation<'bind-key', Facts>('bind-key', {
  runsTogether: false,
  load: async (moment, asked) =>
    Promise.all(
      asked.map(async (one) => {
        const { uri, resourceUri } = one.request.operation
        const keys = await moment.tx.keys.find([uri])
        const promise = await moment.tx.debts.findBind(uri)
        return {
          key: keys.get(uri),
          promisedTo: promise?.resourceUri,
          ...(await loadResource(moment, resourceUri, one)),
        }
      }),
    ),
  awaits,
  decide: (facts, asked, moment) => {
    const { uri, resourceUri } = asked.request.operation
    // While another realm has it to record, it is not free.
    const isPromised = facts.promisedTo !== undefined && facts.promisedTo !== resourceUri
    if (isPromised) return refuse('kms.key-already-bound', uri)
    return (
      accountRefusal(asked) ??
      (isRecordedThere(asked) ? undefined : resourceRefusal(facts, resourceUri, moment.now)) ??
      keyRefusal(facts, asked, moment)
    )
  },
  act: async ({ tx, now }, decided) => {
    const answers: Answer[] = []
    for (const { facts, asked } of decided) {
      if (facts.key === undefined) continue
      const { resourceUri } = asked.request.operation
      const bound = isBoundTo(facts.key, resourceUri)
        ? facts.key
        : bindTo(facts.key, resourceUri, now)
      if (bound !== facts.key) {
        await tx.keys.bind([bound])
        await tx.resources.markRenewed(resourceUri)
      }
      answers.push({ status: 200, members: {}, keys: { member: 'key', list: [bound] } })
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
