// One thing that core and realm do together: what is planned, how it is written down and told to the realm,
// and how it can end for whoever asked.

import { type CorePart, encodeCoreFrame } from '../../boundary/index.ts'
import type { Problem } from '../http/problem.ts'
import type { Condition, RoomChange } from '../rooms/room-change.ts'
import type { Applied, OperationRow } from '../store/store.ts'
import type { Wanted } from './turns.ts'

/** What the realm is asked before anything changes here. */
export interface Ask {
  readonly domain: string
  readonly part: CorePart
  /** Unread. */
  readonly kmsMessage: string
}

export interface Plan {
  readonly change: RoomChange
  /** Absent for changes that the realm has no part in. */
  readonly ask?: Ask
  readonly condition?: Condition
}

/** Both did it. */
export interface Done {
  readonly applied: Applied
  /** The realm's sealed answer, for whoever asked. */
  readonly kmsMessage?: string
}

/** The realm's sealed "no": neither did it. */
export interface SealedRefusal {
  readonly sealedRefusal: string
}

export type Result = Done | SealedRefusal | Problem

/** Whose turns it takes (rooms, a team, a pair of people), and the request it came with. */
export interface Occasion {
  readonly turns: Wanted
  readonly trackingId: string
}

/** As they are written down. Ids have no comma. */
const toTurnText = (turns: readonly string[]): string => turns.join(',')
export const turnsIn = ({ turn }: Pick<OperationRow, 'turn'>): readonly string[] => turn.split(',')

interface Mark {
  readonly turns: readonly string[]
  readonly trackingId: string
  readonly id: string
  readonly at: number
}

export const toRow = (
  change: RoomChange,
  { domain, part, kmsMessage }: Ask,
  { id, at, turns, trackingId }: Mark,
): OperationRow => ({
  id,
  kind: part.operation,
  domain,
  turn: toTurnText(turns),
  room_id: change.roomId,
  actor_id: part.user,
  tracking_id: trackingId,
  part: JSON.stringify(part),
  change: JSON.stringify(change),
  kms_message: kmsMessage,
  state: 'asked',
  created_at: at,
  ended_at: null,
})

/** The realm of a `kms://` URI. */
const realmOf = (uri: string): string => uri.slice('kms://'.length).split('/', 1)[0] ?? ''

/**
 * Whose word ends an operation: of the realm that holds the room's authorizations. Where a member from elsewhere asks, that is
 * not the realm that can open the message.
 */
export const homeOf = (domain: string, { resourceUri }: CorePart): string =>
  resourceUri === undefined ? domain : realmOf(resourceUri)

/** What the realm is told. The id of the frame is the operation's, always: one id, one end. */
export const toFrameText = (row: OperationRow, isWithdrawing: boolean): string => {
  const part: CorePart = JSON.parse(row.part)
  if (isWithdrawing) {
    const isElsewhere = homeOf(row.domain, part) !== row.domain
    return encodeCoreFrame({ type: 'withdraw', id: row.id, ...(isElsewhere ? { part } : {}) })
  }
  return encodeCoreFrame({
    type: 'messages',
    id: row.id,
    sync: true,
    part,
    httpUser: row.actor_id,
    trackingId: row.tracking_id,
    kmsMessages: [row.kms_message],
  })
}
