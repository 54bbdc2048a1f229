// Rooms, people and activities as clients are shown them. Observed of real clients: rooms, and rooms inside
// activities, need their lists even when these are empty.

import { instant, toRfc3339 } from '../../time.ts'
import type { RoomUrls } from '../http/urls.ts'
import type { ActivityRow, ConversationRow, ParticipantRow } from '../store/store.ts'

/** How much of a room is shown. */
export interface Shown {
  readonly members: readonly ParticipantRow[]
  readonly activities: readonly ActivityRow[]
  readonly isListed: boolean
}

const NONE = { items: [] }

/** Somebody in a room: who, what kind of account, which organisation, which role. */
export const toPerson = (member: ParticipantRow) => ({
  id: member.id,
  objectType: 'person',
  entryUUID: member.id,
  type: member.kind === 'machine' ? 'MACHINE' : 'PERSON',
  ...present({
    emailAddress: member.email,
    entryEmail: member.email,
    orgId: member.organizationId,
  }),
  roomProperties: { isModerator: member.isModerator },
})

/** More than one organisation is in the room. People who have never signed in here can read nothing yet. */
export const isExternal = (members: readonly ParticipantRow[]): boolean => {
  const organizations = new Set(members.map(({ organizationId }) => organizationId))
  organizations.delete(null)
  return organizations.size > 1
}

const tagsOf = (row: ConversationRow): readonly string[] => [
  ...(row.pair === null ? [] : ['ONE_ON_ONE']),
  ...(row.is_locked === 1 ? ['LOCKED'] : []),
  ...(row.team_id === null ? [] : ['TEAM']),
]

export const toConversation = (row: ConversationRow, url: RoomUrls, shown: Shown) => ({
  id: row.id,
  url: url.room(row.id),
  aclUrl: url.acl(row.id),
  objectType: 'conversation',
  published: toRfc3339(instant(row.created_at)),
  creatorUUID: row.created_by,
  ...present({
    displayName: row.display_name,
    encryptionKeyUrl: row.encryption_key_url,
    defaultActivityEncryptionKeyUrl: row.default_activity_encryption_key_url,
    kmsResourceObjectUrl: row.kms_resource_object_url,
    summary: row.summary,
  }),
  tags: tagsOf(row),
  isExternal: isExternal(shown.members),
  ...(row.team_id === null
    ? {}
    : { team: { ...toTeamName(row.team_id, url), objectType: 'team' } }),
  participants: shown.isListed ? { items: shown.members.map(toPerson) } : NONE,
  activities: { items: shown.activities.map((activity) => toActivity(activity, row.id, url)) },
})

const toTeamName = (id: string, url: RoomUrls) => ({
  id,
  url: url.team(id),
  generalConversationUuid: id,
})

/** A team is its general room, under another name. */
export const toTeam = (general: ConversationRow, url: RoomUrls, { rooms, members }: TeamShown) => ({
  ...toTeamName(general.id, url),
  objectType: 'team',
  published: toRfc3339(instant(general.created_at)),
  ...present({
    displayName: general.display_name,
    encryptionKeyUrl: general.encryption_key_url,
    summary: general.summary,
  }),
  conversations: { items: rooms },
  teamMembers: { items: members.map(toPerson) },
})

export interface TeamShown {
  readonly rooms: readonly object[]
  readonly members: readonly ParticipantRow[]
}

export const toActivity = (row: ActivityRow, roomId: string, url: RoomUrls) => ({
  id: row.id,
  url: `${url.room(roomId)}/activities/${row.id}`,
  objectType: 'activity',
  verb: row.verb,
  published: toRfc3339(instant(row.published_at)),
  actor: { id: row.actor_id, objectType: 'person', entryUUID: row.actor_id },
  target: { id: roomId, url: url.room(roomId), objectType: 'conversation' },
  object: JSON.parse(row.object),
  ...present({ encryptionKeyUrl: row.encryption_key_url, clientTempId: row.client_temp_id }),
  ...(row.parent_id === null ? {} : { parent: { id: row.parent_id, type: row.parent_type } }),
})

/** Members that have a value. */
const present = (members: Readonly<Record<string, string | null>>): Record<string, string> => {
  const there: Record<string, string> = {}
  for (const [name, value] of Object.entries(members)) if (value !== null) there[name] = value
  return there
}
