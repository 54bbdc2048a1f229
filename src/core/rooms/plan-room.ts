// How a new room, a new team, or a new room in a team is made: who is in it, what the realm is asked, what is
// written here. Decides; writes nothing.

import { type Problem, problem } from '../http/problem.ts'
import type { Plan } from '../operations/operation.ts'
import type { ConversationRow } from '../store/store.ts'
import type { NewConversation } from './room-bodies.ts'
import { type NewActivity, type RoomChange, toPair } from './room-change.ts'

export interface Maker {
  readonly userId: string
  /** Of the maker's own realm. */
  readonly domain: string
  readonly newId: () => string
  readonly membersPerRoom: number
}

/** Whoever makes it first, nobody twice. */
export const membersOf = (wanted: NewConversation, makerId: string): readonly string[] => {
  const added = (wanted.activities?.items ?? []).flatMap((activity) =>
    activity.verb === 'add' ? [activity.object.id] : [],
  )
  return [...new Set([makerId, ...added])]
}

/** The pair of a one-to-one room; undefined for any other. */
export const pairOf = (
  { tags = [] }: NewConversation,
  members: readonly string[],
): string | Problem | undefined => {
  if (!tags.includes('ONE_ON_ONE')) return undefined
  const [one, other] = members
  const isPair = members.length === 2 && one !== undefined && other !== undefined
  return isPair ? toPair(one, other) : problem('core.body-invalid', 'tags')
}

/** `general` is the general room of the team that the room is made in. */
export const planRoom = (
  wanted: NewConversation,
  maker: Maker,
  general?: ConversationRow,
): Plan | Problem => {
  const members = membersOf(wanted, maker.userId)
  if (members.length > maker.membersPerRoom) return problem('core.room-full')
  const pair = pairOf(wanted, members)
  if (typeof pair === 'object') return pair
  const isTeam = wanted.objectType === 'team'
  if (pair !== undefined && (isTeam || general !== undefined)) {
    return problem('core.body-invalid', 'tags')
  }
  const activities = firstActivities(wanted, members, maker)
  if ('problem' in activities) return activities
  const roomId = maker.newId()
  const { displayName, encryptionKeyUrl, summary } = wanted
  const teamId = isTeam ? roomId : general?.id
  const change: RoomChange = {
    roomId,
    open: { createdBy: maker.userId, displayName, encryptionKeyUrl, summary, pair, teamId },
    join: members,
    key: wanted.defaultActivityEncryptionKeyUrl,
    activities: activities.items,
  }
  return withRealm(change, wanted, { ...maker, members, general })
}

interface Asking extends Maker {
  readonly members: readonly string[]
  readonly general: ConversationRow | undefined
}

const withRealm = (change: RoomChange, wanted: NewConversation, asking: Asking): Plan | Problem => {
  const { kmsMessage, encryptionKeyUrl } = wanted
  const { domain, userId, members, general } = asking
  const isInTeam = change.open?.teamId !== undefined
  if (kmsMessage === undefined) {
    // Keys have readers, and a team's rooms hang on each other's resources: there the realm has a word in everything.
    const isKeyed = (change.key ?? encryptionKeyUrl) !== undefined
    return isInTeam || isKeyed ? problem('core.kms-message-missing') : { change }
  }
  if (change.key === undefined) {
    return problem('core.body-invalid', 'defaultActivityEncryptionKeyUrl')
  }
  const team = general?.kms_resource_object_url ?? undefined
  if (general !== undefined && team === undefined) return problem('core.unknown-team')
  const part = {
    user: userId,
    operation: 'create-resource',
    keyUris: [...new Set([change.key, encryptionKeyUrl ?? change.key])],
    subjects: team === undefined ? members : [...members, team],
  } as const
  return { change, ask: { domain, part, kmsMessage } }
}

const firstActivities = (
  wanted: NewConversation,
  members: readonly string[],
  { userId: actorId, newId }: Maker,
): { readonly items: readonly NewActivity[] } | Problem => {
  const participants = { items: members.map((id) => ({ id, objectType: 'person' })) }
  const object = { objectType: 'conversation', participants, activities: { items: [] } }
  const items: NewActivity[] = [{ id: newId(), actorId, verb: 'create', object }]
  for (const activity of wanted.activities?.items ?? []) {
    if (activity.verb !== 'post') continue
    const { encryptionKeyUrl, clientTempId, object: comment } = activity
    if (encryptionKeyUrl !== wanted.defaultActivityEncryptionKeyUrl) {
      return problem('core.key-mismatch')
    }
    const said = { objectType: 'comment', ...comment }
    items.push({ id: newId(), actorId, verb: 'post', object: said, encryptionKeyUrl, clientTempId })
  }
  return { items }
}
