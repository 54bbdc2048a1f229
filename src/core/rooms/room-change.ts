// What a request changes in a room, as plain data: made before anything happens, kept with an operation
// until the realm has agreed, applied in one transaction. It holds ids, names of keys and ciphertext.

/** An activity without its time, which it gets when it is applied. */
export interface NewActivity {
  readonly id: string
  readonly actorId: string
  readonly verb: string
  readonly object: object
  readonly encryptionKeyUrl?: string | undefined
  readonly parent?: { readonly id: string; readonly type: string } | undefined
  readonly clientTempId?: string | undefined
}

export interface NewRoom {
  readonly createdBy: string
  readonly displayName?: string | undefined
  readonly encryptionKeyUrl?: string | undefined
  readonly summary?: string | undefined
  /** Of a one-to-one room. */
  readonly pair?: string | undefined
  readonly teamId?: string | undefined
}

export interface NewBoard {
  readonly id: string
  readonly createdBy: string
  readonly key: string
  readonly resourceUri?: string
}

export interface RoomChange {
  readonly roomId: string
  /** The room is made. */
  readonly open?: NewRoom
  /** The resource of the room; the realm's answer brings it where an operation makes one. */
  readonly resourceUri?: string | undefined
  readonly join?: readonly string[]
  /** Whoever leaves takes the key with them: the room has none until somebody binds a new one. */
  readonly leave?: readonly string[]
  /** The key for new messages. */
  readonly key?: string | undefined
  readonly title?: { readonly displayName: string; readonly encryptionKeyUrl: string }
  readonly lock?: boolean
  readonly moderator?: { readonly userId: string; readonly isModerator: boolean }
  /** A room enters this team, or leaves the one it is in. */
  readonly team?: { readonly roomId: string; readonly id: string | null }
  /** A board comes into the room; the realm's answer brings its resource. */
  readonly openBoard?: NewBoard
  /** A board that goes. */
  readonly closeBoard?: string
  /** A message whose content goes, in all of its versions. */
  readonly erase?: string
  readonly activities: readonly NewActivity[]
}

/** What must hold at the moment of writing, for changes that do not wait for the realm. */
export interface Condition {
  /** Must be in the room. */
  readonly memberId: string
  /** Must be the room's key for new messages. */
  readonly contentKey?: string
  /** A message that must still be there. */
  readonly messageId?: string
}

/** The change, with the resource that the realm made for it. */
export const withResource = (change: RoomChange, resourceUri: string): RoomChange =>
  change.openBoard === undefined
    ? { ...change, resourceUri }
    : { ...change, openBoard: { ...change.openBoard, resourceUri } }

/** Both user ids of a one-to-one room, in one order. */
export const toPair = (one: string, other: string): string => [one, other].toSorted().join(' ')
