// Unbound → bound (draft §4.7.6): by the key's creator, to a resource they are authorised on, once.
// Binding it again to the same resource is a client's retry and answered like the first time, unless
// somebody left meanwhile: then it would pass for the new key that the room still lacks.

import type { KeyFacts, ResourceFacts } from '../access.ts'
import { accountRefusal, bindRefusal, resourceRefusal } from '../access.ts'
import type { Answer } from '../answer.ts'
import { type BoundKey, bindTo } from '../key.ts'
import { operation } from '../operation.ts'
import { loadResource } from './load-resource.ts'

type Facts = ResourceFacts & Pick<KeyFacts, 'key'>

const isBoundTo = (key: KeyFacts['key'], resourceUri: string): key is BoundKey =>
  key?.state === 'bound' && key.resourceUri === resourceUri

export const bindKey = operation<'bind-key', Facts>('bind-key', {
  runsTogether: false,
  load: async (moment, asked) =>
    Promise.all(
      asked.map(async (one) => {
        const { uri, resourceUri } = one.request.operation
        const keys = await moment.tx.keys.find([uri])
        return { key: keys.get(uri), ...(await loadResource(moment, resourceUri, one)) }
      }),
    ),
  decide: (facts, asked, { now }) => {
    const { uri, resourceUri } = asked.request.operation
    const refusal = accountRefusal(asked) ?? resourceRefusal(facts, resourceUri, now)
    if (refusal !== undefined) return refusal
    const isOwn = isBoundTo(facts.key, resourceUri) && facts.key.createdBy === asked.subject
    const isRetry = isOwn && facts.resource?.staleSince === undefined
    return isRetry ? undefined : bindRefusal(facts.key, asked.subject, uri, now)
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
