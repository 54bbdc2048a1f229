// Ways into a room that lead through a resource of another realm (draft §4.4.2: an authId may be a resource, and whoever is authorised
// there is authorised here). Who is authorised on a foreign resource only its home knows: our own user's way is asked for there;
// a peer that is its home is told that it may vouch. Nobody is told of a third realm's.

import type { ResourceUri } from '../../id.ts'
import { parseUserId } from '../../id.ts'
import { hostOf, isForeign } from '../../protocol/index.ts'
import { isRefusal } from '../../refusal.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type Verdict, waiting } from '../corridor/operation.ts'
import { mayAskPeers, type PeerAsk, resourceOfOperation, type Told } from './foreign.ts'

/** Foreign resources that one question may lead to; a room has one team. */
const WAYS_MOST = 4

/** The room that a refused request was about, if it is ours. */
const roomOf = (
  { request: { operation } }: Asked,
  { recorded }: Verdict,
  { means: { uris } }: Moment,
): ResourceUri | undefined => {
  // Of a key, `recorded` says where it is bound; both are URIs of ours.
  const room = resourceOfOperation(operation) ?? (recorded.resource as ResourceUri | undefined)
  return room === undefined || isForeign(room, uris) ? undefined : room
}

const isShut = ({ outcome }: Verdict): boolean =>
  isRefusal(outcome) && outcome.refused === 'kms.not-authorized'

const listing = (asked: Asked, uri: ResourceUri): PeerAsk | undefined => {
  const userId = parseUserId(asked.subject)
  if (userId === undefined) return undefined
  const operation = { name: 'retrieve-authorizations', uri, authId: userId } as const
  return { domain: hostOf(uri), userId, operation }
}

/** For our own, the other realms are asked; for a peer, it is said which resources of its own lead in. */
const openedTo = (asked: Asked, verdict: Verdict, foreign: readonly ResourceUri[]): Verdict => {
  const { by } = asked
  if (by.kind === 'peer') {
    const own = foreign.filter((uri) => hostOf(uri) === by.domain)
    return own.length === 0 ? verdict : { ...verdict, through: own }
  }
  const asks = foreign.flatMap((uri) => listing(asked, uri) ?? [])
  return asks.length === 0 ? verdict : waiting(asks)
}

const mayGoThrough = (asked: Asked): boolean =>
  asked.by.kind === 'peer'
    ? asked.by.vouchedFor === undefined
    : mayAskPeers(asked) && asked.told === undefined

/** Refused for want of an authorization; but perhaps another realm knows of one. */
export const openThrough = async (moment: Moment, verdicts: Map<Asked, Verdict>): Promise<void> => {
  const { means, tx, now } = moment
  if (means.foreign === undefined) return
  const shut = [...verdicts].flatMap(([asked, verdict]) => {
    const room = isShut(verdict) && mayGoThrough(asked) ? roomOf(asked, verdict, moment) : undefined
    return room === undefined ? [] : [{ asked, verdict, room }]
  })
  if (shut.length === 0) return
  const rooms = shut.map(({ room }) => room)
  const ways = await tx.authorizations.foreignWays(rooms, means.uris.home, now)
  for (const [index, { asked, verdict }] of shut.entries()) {
    const foreign = (ways[index] ?? []).slice(0, WAYS_MOST)
    verdicts.set(asked, openedTo(asked, verdict, foreign))
  }
}

/**
 * The home of a room refuses, and says that a resource of ours leads in: if our user is authorised on it, the same is asked again,
 * and we vouch for that. Undefined if there is no such way.
 */
export const vouching = async (
  { tx, now, means }: Moment,
  { ask, through = [] }: Told,
): Promise<PeerAsk | undefined> => {
  const own = through.filter((uri) => !isForeign(uri, means.uris)).slice(0, WAYS_MOST)
  if (own.length === 0 || ask.vouchedFor !== undefined || ask.through !== undefined)
    return undefined
  const pairs = own.map((resourceUri) => ({ resourceUri, authId: ask.userId }))
  const reached = await tx.authorizations.reach(pairs, now)
  const way = own[reached.indexOf(true)]
  return way === undefined ? undefined : { ...ask, through: way }
}
