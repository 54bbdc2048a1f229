// The keys of a resource (draft §4.7.7): `boundAfter` inclusive, `boundBefore` exclusive, `count` keeps
// the newest. More than one answer can hold are refused, not cut: half a list looks like a whole one. The list of a
// foreign resource is its home's to say; keys of other realms in a resource of ours are fetched from theirs.

import { hostOf, isForeign } from '../../protocol/index.ts'
import { isRefusal, refuse } from '../../refusal.ts'
import { type ResourceFacts, resourceRefusal } from '../access/access.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import { askHome, isDenial, type PeerAsk } from '../foreign/foreign.ts'
import type { ForeignKey } from '../foreign/peer-ports.ts'
import { shutDomains } from '../foreign/waiting.ts'
import type { BoundKey } from '../key.ts'
import { loadResource } from './load-resource.ts'

type Ask = Asked<OperationOf<'retrieve-keys'>>

interface Facts extends ResourceFacts {
  readonly list: readonly BoundKey[]
  /** Keys of other realms that belong to the list, and of which there is no copy here. */
  readonly uncopied: readonly ForeignKey[]
}

/** About 400 bytes each in the answer. */
const KEYS_PER_ANSWER = 2500

/** Its home has said no. */
const isDenied = ({ told = [] }: Ask, uri: string): boolean =>
  told.some(
    ({ ask: { operation }, result }) =>
      operation.name === 'retrieve-key' &&
      operation.uri === uri &&
      isRefusal(result) &&
      isDenial(result),
  )

/**
 * A key that its home does not give, or whose home we work with no more, is left out: a member from there could else keep everybody
 * from the list by a key that does not exist. A home that is silent has said nothing, and then there is no list.
 */
const uncopiedOf = async (moment: Moment, ask: Ask): Promise<readonly ForeignKey[]> => {
  const { tx } = moment
  const { uri, filter } = ask.request.operation
  const { boundAfter = Number.MIN_SAFE_INTEGER, boundBefore = Number.MAX_SAFE_INTEGER } = filter
  const foreign = await tx.copies.foreignKeysOf(uri)
  if (foreign.length === 0) return []
  const copies = await tx.keys.find(foreign.map((key) => key.uri))
  const missing = foreign.filter(
    (key) =>
      !copies.has(key.uri) &&
      key.boundAt >= boundAfter &&
      key.boundAt < boundBefore &&
      !isDenied(ask, key.uri),
  )
  const shut = await shutDomains(moment, [...new Set(missing.map((key) => hostOf(key.uri)))])
  return missing.filter((key) => !shut.has(hostOf(key.uri)))
}

/** A peer is given our own keys; those of its own it has, and those of a third realm it asks there. */
const listFor = ({ by }: Ask, list: readonly BoundKey[], { means }: Moment) =>
  by.kind === 'peer' ? list.filter((key) => !isForeign(key.uri, means.uris)) : list

const load = async (moment: Moment, asked: Ask): Promise<Facts> => {
  const { uri, filter } = asked.request.operation
  const facts = await loadResource(moment, uri, asked)
  if (!facts.reached) return { ...facts, list: [], uncopied: [] }
  const list = listFor(asked, await moment.tx.keys.ofResource(uri, filter), moment)
  const uncopied = asked.by.kind === 'peer' ? [] : await uncopiedOf(moment, asked)
  return { ...facts, list, uncopied }
}

const awaits = ({ uncopied }: Facts, asked: Ask, { means: { uris } }: Moment): PeerAsk[] => {
  const { operation: wanted, home } = asked.request
  if (home !== uris.home) return [askHome(asked, wanted, wanted.uri)]
  return uncopied.map(({ uri }) => ({
    ...askHome(asked, { name: 'retrieve-key', uri }, uri),
    domain: hostOf(uri),
    vouchedFor: wanted.uri,
  }))
}

export const retrieveKeys = operation<'retrieve-keys', Facts>('retrieve-keys', {
  runsTogether: true,
  load: (moment, asked) => Promise.all(asked.map((one) => load(moment, one))),
  awaits,
  decide: (facts, asked, { now }) => {
    const refusal = resourceRefusal(facts, asked.request.operation.uri, now)
    if (refusal !== undefined) return refusal
    if (facts.uncopied.length > 0) return refuse('federation.not-forwarded')
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
