// One key (draft §4.7.7): the busiest operation of a realm, so a whole run of requests is answered
// with two look-ups. A key of another realm is its home's to give, unless a copy of it may still be read.

import type { KeyUri } from '../../id.ts'
import { hostOf, isForeign } from '../../protocol/index.ts'
import { type KeyFacts, readKeyRefusal } from '../access/access.ts'
import { reachedBy, type Wanted } from '../access/reached.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import { askHome, type PeerAsk } from '../foreign/foreign.ts'
import type { ForeignKey } from '../foreign/peer-ports.ts'
import type { Key } from '../key.ts'

type Ask = Asked<OperationOf<'retrieve-key'>>

interface Facts extends KeyFacts {
  /** A key of another realm, bound to a resource of ours, of which there is no copy yet. */
  readonly uncopied?: ForeignKey
}

const uncopiedKeys = async (
  { tx, means }: Moment,
  uris: readonly KeyUri[],
  keys: ReadonlyMap<KeyUri, Key>,
): Promise<ReadonlyMap<KeyUri, ForeignKey>> => {
  const missing = uris.filter((uri) => isForeign(uri, means.uris) && !keys.has(uri))
  return missing.length === 0 ? new Map() : tx.copies.foreignKeys(missing)
}

const load = async (moment: Moment, asked: readonly Ask[]): Promise<readonly Facts[]> => {
  const uris = [...new Set(asked.map((one) => one.request.operation.uri))]
  const keys = await moment.tx.keys.find(uris)
  const uncopied = await uncopiedKeys(moment, uris, keys)
  const wanted: Wanted[] = []
  const places = asked.map((one) => {
    const { uri } = one.request.operation
    const key = keys.get(uri)
    const foreign = uncopied.get(uri)
    const resourceUri = key?.state === 'bound' ? key.resourceUri : foreign?.resourceUri
    const place = resourceUri === undefined ? -1 : wanted.push({ asked: one, resourceUri }) - 1
    return { key, place, ...(foreign === undefined ? {} : { uncopied: foreign }) }
  })
  const reached = await reachedBy(moment, wanted)
  return places.map(({ place, ...facts }) => ({ ...facts, reached: reached[place] ?? false }))
}

const awaits = ({ key, reached, uncopied }: Facts, asked: Ask, moment: Moment): PeerAsk[] => {
  const { operation: wanted } = asked.request
  const { uris } = moment.means
  if (key === undefined) {
    if (!isForeign(wanted.uri, uris)) return []
    const ask = askHome(asked, wanted, wanted.uri)
    if (uncopied === undefined) return [ask]
    return reached ? [{ ...ask, vouchedFor: uncopied.resourceUri }] : []
  }
  if (reached || key.state !== 'bound' || !isForeign(key.resourceUri, uris)) return []
  if (hostOf(wanted.uri) === hostOf(key.resourceUri)) return [askHome(asked, wanted, wanted.uri)]
  // A key of ours in a room of theirs: the key is here, who may read it is known there.
  const authId = asked.by.kind === 'person' ? asked.subject : undefined
  const listing = { name: 'retrieve-authorizations', uri: key.resourceUri } as const
  const question = authId === undefined ? listing : { ...listing, authId }
  return [askHome(asked, question, key.resourceUri)]
}

export const retrieveKey = operation<'retrieve-key', Facts>('retrieve-key', {
  runsTogether: true,
  load,
  awaits,
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
