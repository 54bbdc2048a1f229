// Where the roster of a room and its authorizations differ. Machines are in no roster; whoever is authorised
// through another room is authorised.

import type { RoomRoster } from '../../boundary/index.ts'
import type { ResourceUri } from '../../id.ts'
import { parseAuthId, parseTarget, type Uris } from '../../protocol/index.ts'
import { isRefusal } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import type { Transaction } from '../ports.ts'
import { isExpired, type Resource } from '../resource.ts'
import type { Drift } from './roster.ts'

/** A room of the core, and the realm's resource of that name. */
export interface Room {
  readonly uri: ResourceUri
  readonly members: ReadonlySet<string>
  readonly keyUri: string | undefined
  readonly resource: Resource | undefined
}

const keyOf = ({ resourceUri, side, subject }: Drift): string => `${resourceUri} ${side} ${subject}`

/** Those of `left` that `right` does not have. */
export const without = <One extends Drift>(left: readonly One[], right: readonly Drift[]) => {
  const known = new Set(right.map(keyOf))
  return left.filter((one) => !known.has(keyOf(one)))
}

/** Did nothing change there after `since`? */
export const isSettled = ({ resource }: Room, since: Instant): boolean =>
  resource === undefined || (resource.rosterChangedAt ?? resource.createdAt) < since

const staleKeyOf = ({ uri, keyUri, resource }: Room): readonly Drift[] =>
  keyUri === undefined || resource?.staleSince === undefined
    ? []
    : [{ resourceUri: uri, side: 'stale-key', subject: keyUri }]

const differences = (room: Room, authorized: readonly string[], now: Instant): readonly Drift[] => {
  const { uri, resource, members } = room
  const isLive = resource !== undefined && !isExpired(resource, now)
  const authIds = new Set(isLive ? authorized : [])
  const drift = (side: Drift['side']) => (subject: string) => ({ resourceUri: uri, side, subject })
  return [
    ...[...members].filter((one) => !authIds.has(one)).map(drift('core-only')),
    ...[...authIds].filter((one) => !members.has(one)).map(drift('realm-only')),
    ...staleKeyOf(room),
  ]
}

/** Who may read though the roster does not name them, and whom it names in vain. */
export const driftsOf = async (
  tx: Transaction,
  rooms: readonly Room[],
  uris: Uris,
  now: Instant,
): Promise<readonly Drift[]> => {
  const named = await tx.authorizations.namedIn(
    rooms.map(({ uri }) => uri),
    now,
  )
  const members = rooms.flatMap((room) => [...room.members])
  const machines = await tx.machines.among([
    ...new Set([...members, ...named.map(({ authId }) => authId)]),
  ])
  const byRoom = Map.groupBy(named, ({ resourceUri }) => resourceUri)
  const candidates = rooms.flatMap((room) =>
    differences(room, byRoom.get(room.uri)?.map(({ authId }) => authId) ?? [], now),
  )
  return withoutReached(
    tx,
    candidates.filter(({ subject }) => !machines.has(subject)),
    uris,
    now,
  )
}

/** A member who is not named, but authorised through another room, is in both. */
const withoutReached = async (
  tx: Transaction,
  candidates: readonly Drift[],
  uris: Uris,
  now: Instant,
): Promise<readonly Drift[]> => {
  const asked = candidates.flatMap((drift) => {
    const authId = parseAuthId(drift.subject, uris)
    return drift.side !== 'core-only' || isRefusal(authId) ? [] : [{ drift, authId }]
  })
  if (asked.length === 0) return candidates
  const pairs = asked.map(({ drift: { resourceUri }, authId }) => ({ resourceUri, authId }))
  const reached = await tx.authorizations.reach(pairs, now)
  return without(
    candidates,
    asked.flatMap(({ drift }, index) => (reached[index] === true ? [drift] : [])),
  )
}

/** Rooms of other realms are theirs to compare. */
export const loadRooms = async (
  tx: Transaction,
  rosters: readonly RoomRoster[],
  uris: Uris,
): Promise<readonly Room[]> => {
  const ours = rosters.flatMap((roster) => {
    const target = parseTarget(roster.resourceUri, uris)
    return isRefusal(target) || target.kind !== 'resource' ? [] : [{ uri: target.uri, roster }]
  })
  const resources = await tx.resources.find(ours.map(({ uri }) => uri))
  return ours.map(({ uri, roster: { members, keyUri } }) => ({
    uri,
    members: new Set(members),
    keyUri,
    resource: resources.get(uri),
  }))
}
