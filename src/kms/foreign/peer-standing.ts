// May this peer ask, and for this user? The certificate proved its domain; that the user is its own is a claim. The first claim pins
// the user to the domain, once somebody here has named the user at all; a second domain that claims the same user is refused,
// and so is one that claims a user of ours, or somebody who was taken out of all our rooms.

import type { UserId } from '../../id.ts'
import type { Peer } from '../../identity/index.ts'
import { type Refusal, refuse } from '../../refusal.ts'
import type { Asked } from '../corridor/case.ts'
import type { Moment } from '../corridor/operation.ts'
import type { Person } from '../person.ts'
import type { ForeignHome } from './foreign.ts'
import type { Pin } from './peer-ports.ts'

type PeerAsked = Asked & { readonly by: Peer }

const isPeerAsked = (asked: Asked): asked is PeerAsked => asked.by.kind === 'peer'

interface Known {
  readonly pins: Map<UserId, Pin>
  readonly blocked: ReadonlySet<string>
  readonly people: ReadonlyMap<UserId, Person>
}

/** Nobody is pinned whom no room here names: a peer must not fill our memory with ids of its own making. */
const claim = async ({ tx, now }: Moment, { domain, userId }: Peer, known: Known) => {
  const named = await tx.authorizations.ofUser(userId, 1)
  if (named.length === 0) return
  const pin = { userId, domain, pinnedAt: now }
  await tx.peers.claim([pin])
  known.pins.set(userId, pin)
}

const refusalFor = async (
  moment: Moment,
  { by }: PeerAsked,
  foreign: ForeignHome,
  known: Known,
): Promise<Refusal | undefined> => {
  const { domain, userId } = by
  if (known.blocked.has(domain)) return refuse('federation.blocked', domain)
  const closed = foreign.refusalFor(domain)
  if (closed !== undefined) return closed
  const pin = known.pins.get(userId)
  // Where only administrators say whose users are, a domain learns of them that they said so, or that they did not, and nothing else.
  const mayKnow = foreign.mayClaim || pin?.domain === domain
  const isOffBoarded = known.people.get(userId)?.offBoardedAt !== undefined
  if (isOffBoarded && mayKnow) return refuse('identity.off-boarded')
  // A token of ours has placed them here: then they are ours.
  const isOurs = known.people.get(userId)?.organizationId !== undefined
  if (isOurs || (pin !== undefined && pin.domain !== domain)) {
    await moment.tx.peers.addConflicts([{ userId, domain, firstAt: moment.now }])
    return refuse('federation.claim-conflict', domain)
  }
  if (pin !== undefined) return undefined
  if (!foreign.mayClaim) return refuse(NOT_PINNED, domain)
  await claim(moment, by, known)
  return undefined
}

/** The word for a peer whose user no administrator here has called its own. */
export const NOT_PINNED = 'federation.user-not-pinned'

/**
 * What a refused peer is told beyond "no". Where only administrators say whose users are: that they have not said so of this one,
 * in the same word whether we know the user otherwise, as another's or our own, or not at all. Where the first claim counts there is
 * no such word: any that tells a conflict from an unknown id would tell whoever asks whom we know.
 */
export const wordFor = (
  { refused }: Refusal,
  foreign: ForeignHome | undefined,
): typeof NOT_PINNED | undefined => {
  const isAboutPins = refused === NOT_PINNED || refused === 'federation.claim-conflict'
  return isAboutPins && foreign?.mayClaim === false ? NOT_PINNED : undefined
}

/** Refusals for those of the requests whose peer may not ask them. */
export const peerRefusals = async (
  moment: Moment,
  all: readonly Asked[],
  people: ReadonlyMap<UserId, Person>,
): Promise<ReadonlyMap<Asked, Refusal>> => {
  const refusals = new Map<Asked, Refusal>()
  const asked = all.filter(isPeerAsked)
  if (asked.length === 0) return refusals
  const { foreign } = moment.means
  if (foreign === undefined) {
    return new Map(asked.map((one) => [one, refuse('federation.closed', one.by.domain)]))
  }
  const domains = [...new Set(asked.map(({ by }) => by.domain))]
  const peers = await moment.tx.peers.find(domains)
  const strangers = domains.filter((domain) => !peers.has(domain))
  if (strangers.length > 0) await moment.tx.peers.meet(strangers, moment.now)
  const pins = await moment.tx.peers.pins([...new Set(asked.map(({ by }) => by.userId))])
  const blocked = domains.filter((domain) => peers.get(domain)?.blockedAt !== undefined)
  const known: Known = { pins: new Map(pins), blocked: new Set(blocked), people }
  for (const one of asked) {
    const refusal = await refusalFor(moment, one, foreign, known)
    if (refusal !== undefined) refusals.set(one, refusal)
  }
  return refusals
}
