// The indexer leaves a room: its search keys, counters and whatever waits are destroyed in one transaction, and the core
// is told to forget what it has. And what an operator may ask for: leave, come back, begin anew.

import type { Act } from '../audit/index.ts'
import type { ResourceUri } from '../id.ts'
import type { Done } from '../kms/index.ts'
import type { Instant } from '../time.ts'
import type { IndexTransaction, RangeReason } from './ports.ts'

const SYSTEM = { kind: 'system' } as const

const destroyed = (resource: ResourceUri, keys: readonly string[]): readonly Act[] =>
  keys.length === 0
    ? []
    : [
        {
          action: 'search-key.destroyed',
          outcome: 'done',
          actor: SYSTEM,
          type: 'SEARCH_KEY',
          keys,
          resource,
        },
      ]

/** Forgets the room; the core is told until it has acknowledged. */
export const leaveRoom = async (
  tx: IndexTransaction,
  resourceUri: ResourceUri,
  now: Instant,
): Promise<readonly Act[]> => {
  const keys = (await tx.searchKeys.ofRooms([resourceUri])).get(resourceUri) ?? []
  await tx.index.forgetRoom(resourceUri)
  await tx.searchKeys.destroy(
    keys.map(({ id }) => id),
    now,
  )
  await tx.index.drop(resourceUri, now)
  const left: Act = {
    action: 'index.room-left',
    outcome: 'done',
    actor: SYSTEM,
    type: 'RESOURCE',
    resource: resourceUri,
  }
  return [
    left,
    ...destroyed(
      resourceUri,
      keys.map(({ uri }) => uri),
    ),
  ]
}

/** Destroys those of a room's search keys that came before this one; everything is under later ones. */
export const destroyOlder = async (
  tx: IndexTransaction,
  resourceUri: ResourceUri,
  searchKeyId: number,
  now: Instant,
): Promise<readonly Act[]> => {
  const keys = (await tx.searchKeys.ofRooms([resourceUri])).get(resourceUri) ?? []
  const older = keys.filter(({ id }) => id < searchKeyId)
  const ids = older.map(({ id }) => id)
  await tx.index.removeCounters(ids)
  await tx.searchKeys.destroy(ids, now)
  return destroyed(
    resourceUri,
    older.map(({ uri }) => uri),
  )
}

/** Everything up to where new messages were read, once more or for the first time. */
export const readAgain = async (
  tx: IndexTransaction,
  reason: RangeReason,
  now: Instant,
  room: { readonly resourceUri?: ResourceUri; readonly searchKeyId?: number },
): Promise<void> => {
  const { readTo: upTo } = await tx.index.progress()
  if (upTo === 0 && reason !== 'rekeyed') return
  await tx.index.insertRange({
    ...{ reason, startAfter: 0, readTo: 0, upTo },
    ...room,
    ...{ dueAt: now, attempts: 0, createdAt: now },
  })
}

/**
 * A new search key for a room, and everything under it: queries ask under both until that is done. Answers whether the
 * room is indexed at all.
 */
export const rekeyRoom = async (
  tx: IndexTransaction,
  resourceUri: ResourceUri,
  now: Instant,
): Promise<Done<boolean>> => {
  const [newest] = (await tx.searchKeys.ofRooms([resourceUri])).get(resourceUri) ?? []
  if (newest === undefined) return { result: false, acts: [] }
  const isUnderWay = (await tx.index.ranges()).some(
    (range) => range.reason === 'rekeyed' && range.resourceUri === resourceUri,
  )
  if (isUnderWay) return { result: true, acts: [] }
  await tx.searchKeys.retire([resourceUri], now)
  await readAgain(tx, 'rekeyed', now, { resourceUri, searchKeyId: newest.id + 1 })
  const act: Act = {
    action: 'index.rekey-begun',
    outcome: 'done',
    actor: SYSTEM,
    type: 'SEARCH_KEY',
    resource: resourceUri,
  }
  return { result: true, acts: [act] }
}
