// What an activity changes in its room, who may do it, and what the realm must agree to first. Decides; writes
// nothing. Whatever changes who may read needs the realm.

import type { CorePart } from '../../boundary/index.ts'
import { isProblem, type Problem, problem } from '../http/problem.ts'
import type { Plan } from '../operations/operation.ts'
import type { ActivityRow, ConversationRow, ParticipantRow } from '../store/store.ts'
import type { Activity } from './room-bodies.ts'
import type { NewActivity, RoomChange } from './room-change.ts'

/** What is known of the room, of whoever asks, and of what the activity is about. */
export interface Scene {
  readonly room: ConversationRow
  readonly members: ReadonlyMap<string, ParticipantRow>
  readonly userId: string
  /** Of the user's own realm. */
  readonly domain: string
  readonly membersPerRoom: number
  readonly newId: () => string
  /** The room that is to enter or to leave the team, if the user is in it. */
  readonly other?: ConversationRow | undefined
  /** Who is in that room. */
  readonly othersMembers?: readonly ParticipantRow[]
  /** The new key is one that the room had before. */
  readonly isFormerKey?: boolean
  /** The activity that is to go, or to be edited: the message itself or one of its edits. */
  readonly meant?: ActivityRow | undefined
}

type Of<Verb extends Activity['verb']> = Extract<Activity, { verb: Verb }>

/** The plan for an activity of a member of the room. */
export const planActivity = (activity: Activity, scene: Scene): Plan | Problem => {
  switch (activity.verb) {
    case 'post':
    case 'share':
      return planContent(activity, scene)
    case 'update':
      return planTitle(activity, scene)
    case 'add':
      return activity.object.objectType === 'person'
        ? planAdd(activity, scene)
        : planTeamRoom(activity, scene)
    case 'leave':
      return planLeave(activity, scene)
    case 'remove':
      return planTeamRoom(activity, scene)
    case 'updateKey':
      return planKey(activity, scene)
    case 'lock':
    case 'unlock':
      return planLock(activity, scene)
    case 'assignModerator':
    case 'unassignModerator':
      return planModerator(activity, scene)
    case 'delete':
      return planErasure(activity, scene)
  }
}

const person = (id: string) => ({ objectType: 'person', id, entryUUID: id })

const toNew = (activity: Activity, scene: Scene, object: object): NewActivity => ({
  id: scene.newId(),
  actorId: scene.userId,
  verb: activity.verb,
  object,
  clientTempId: activity.clientTempId,
})

const isModerator = ({ members, userId }: Scene): boolean =>
  members.get(userId)?.isModerator === true

const whyLocked = (scene: Scene): Problem | undefined =>
  scene.room.is_locked === 1 && !isModerator(scene) ? problem('core.room-locked') : undefined

const whyDirect = ({ room }: Scene): Problem | undefined =>
  room.pair === null ? undefined : problem('core.direct-room')

const member = (scene: Scene) => ({ memberId: scene.userId })

type Part = Omit<CorePart, 'user'>

/** The change waits for the realm, unless the room has nothing there. */
const asking = (
  change: RoomChange,
  part: Part,
  { kmsMessage, scene }: { readonly kmsMessage: string | undefined; readonly scene: Scene },
): Plan | Problem => {
  const { room, userId, domain } = scene
  if (kmsMessage !== undefined) {
    return { change, ask: { domain, part: { user: userId, ...part }, kmsMessage } }
  }
  const isEncrypted =
    room.kms_resource_object_url !== null || part.operation !== 'delete-authorizations'
  return isEncrypted ? problem('core.kms-message-missing') : { change, condition: member(scene) }
}

const resourceOf = (room: ConversationRow): Pick<Part, 'resourceUri'> =>
  room.kms_resource_object_url === null ? {} : { resourceUri: room.kms_resource_object_url }

const planContent = (activity: Of<'post'> | Of<'share'>, scene: Scene): Plan | Problem => {
  const { encryptionKeyUrl, object, parent } = activity
  const content = { objectType: activity.verb === 'post' ? 'comment' : 'content', ...object }
  const written = { ...toNew(activity, scene, content), encryptionKeyUrl, parent }
  const change = { roomId: scene.room.id, activities: [written] }
  const condition = { ...member(scene), contentKey: encryptionKeyUrl }
  if (parent?.type !== 'edit') return { change, condition }
  const edited = messageIn(scene)
  if (isProblem(edited)) return edited
  if (edited.authorId !== scene.userId) return problem('core.not-your-activity')
  // All edits are children of the message itself, also edits of edits.
  const edit = { ...written, parent: { id: edited.id, type: parent.type } }
  return {
    change: { ...change, activities: [edit] },
    condition: { ...condition, messageId: edited.id },
  }
}

const MESSAGES = ['post', 'share']

/** The message that is meant, also where one of its edits was named. */
const messageIn = ({ meant }: Scene): { id: string; authorId: string } | Problem => {
  if (meant === undefined || !MESSAGES.includes(meant.verb)) {
    return problem('core.unknown-activity')
  }
  const parentId = meant.parent_type === 'edit' ? meant.parent_id : null
  return { id: parentId ?? meant.id, authorId: meant.actor_id }
}

const planTitle = (activity: Of<'update'>, scene: Scene): Plan | Problem => {
  const locked = whyLocked(scene)
  if (locked !== undefined) return locked
  const { encryptionKeyUrl, object } = activity
  const { displayName } = object
  const titled = { objectType: 'conversation', displayName, activities: { items: [] } }
  const change = {
    roomId: scene.room.id,
    title: { displayName, encryptionKeyUrl },
    activities: [{ ...toNew(activity, scene, titled), encryptionKeyUrl }],
  }
  return { change, condition: { ...member(scene), contentKey: encryptionKeyUrl } }
}

const planAdd = (activity: Of<'add'>, scene: Scene): Plan | Problem => {
  const { room, members } = scene
  const { id } = activity.object
  const refused = whyDirect(scene) ?? whyLocked(scene)
  if (refused !== undefined) return refused
  const isThere = members.has(id)
  if (!isThere && members.size >= scene.membersPerRoom) return problem('core.room-full')
  // Who is there already stays there; the realm is asked all the same, and so heals what it may lack.
  const change = isThere
    ? { roomId: room.id, activities: [] }
    : { roomId: room.id, join: [id], activities: [toNew(activity, scene, person(id))] }
  const part = { operation: 'create-authorizations', ...resourceOf(room), subjects: [id] } as const
  return asking(change, part, { kmsMessage: activity.kmsMessage, scene })
}

const planLeave = (activity: Of<'leave'>, scene: Scene): Plan | Problem => {
  const { room, members, userId } = scene
  const { id } = activity.object
  const refused = whyDirect(scene) ?? (id === userId ? undefined : whyLocked(scene))
  if (refused !== undefined) return refused
  if (!members.has(id)) return problem('core.not-a-participant')
  const activities = [toNew(activity, scene, person(id))]
  const part = { operation: 'delete-authorizations', ...resourceOf(room), subjects: [id] } as const
  const change = { roomId: room.id, leave: [id], activities }
  return asking(change, part, { kmsMessage: activity.kmsMessage, scene })
}

const planKey = (activity: Of<'updateKey'>, scene: Scene): Plan | Problem => {
  const { room, members } = scene
  const key = activity.object.defaultActivityEncryptionKeyUrl
  // Whoever left since knows it; the realm answers "bound" to whoever bound it, also a second time.
  if (scene.isFormerKey === true) return problem('core.key-rotated')
  const object = {
    objectType: 'conversation',
    defaultActivityEncryptionKeyUrl: key,
    activities: { items: [] },
  }
  const change = { roomId: room.id, key, activities: [toNew(activity, scene, object)] }
  const keyUris = [key]
  // A room that was made without a resource gets one with its first key.
  const part =
    room.kms_resource_object_url === null
      ? ({ operation: 'create-resource', keyUris, subjects: [...members.keys()] } as const)
      : ({ operation: 'bind-key', ...resourceOf(room), keyUris } as const)
  return asking(change, part, { kmsMessage: activity.kmsMessage, scene })
}

/** A room enters the team of this general room, or leaves it. Teams are one level deep: no cycles. */
const planTeamRoom = (activity: Of<'add'> | Of<'remove'>, scene: Scene): Plan | Problem => {
  const { room, other } = scene
  if (room.team_id !== room.id) return problem('core.unknown-team')
  if (other === undefined) return problem('core.unknown-conversation')
  const refused = whyLocked(scene) ?? whyNotInTeam(activity, scene, other)
  if (refused !== undefined) return refused
  const subject = room.kms_resource_object_url
  const isEntering = activity.verb === 'add'
  const operation = isEntering ? 'create-authorizations' : 'delete-authorizations'
  const change = {
    roomId: room.id,
    team: { roomId: other.id, id: isEntering ? room.id : null },
    activities: [toNew(activity, scene, { objectType: 'conversation', id: other.id })],
  }
  const part = {
    operation,
    ...resourceOf(other),
    subjects: subject === null ? [] : [subject],
  } as const
  return asking(change, part, { kmsMessage: activity.kmsMessage, scene })
}

const whyNotInTeam = (
  { verb }: Activity,
  { room, userId, othersMembers = [] }: Scene,
  other: ConversationRow,
): Problem | undefined => {
  if (other.pair !== null) return problem('core.direct-room')
  if (verb === 'add') {
    if (other.team_id !== null) return problem('core.already-in-team')
    // The team will read along: else any member could bring the room into a team of their own, and then leave it.
    const moderators = othersMembers.filter((one) => one.isModerator).map(({ id }) => id)
    const mayMove = moderators.length === 0 ? [other.created_by] : moderators
    return mayMove.includes(userId) ? undefined : problem('core.moderator-only')
  }
  const isThere = other.team_id === room.id && other.id !== room.id
  return isThere ? undefined : problem('core.unknown-conversation')
}

const planLock = (activity: Of<'lock' | 'unlock'>, scene: Scene): Plan | Problem => {
  const direct = whyDirect(scene)
  if (direct !== undefined) return direct
  if (!isModerator(scene)) return problem('core.moderator-only')
  const object = { objectType: 'conversation', id: scene.room.id, activities: { items: [] } }
  const activities = [toNew(activity, scene, object)]
  const change = { roomId: scene.room.id, lock: activity.verb === 'lock', activities }
  return { change, condition: member(scene) }
}

/** The first moderator may be anyone, also oneself; from then on moderators make moderators. */
const planModerator = (
  activity: Of<'assignModerator' | 'unassignModerator'>,
  scene: Scene,
): Plan | Problem => {
  const direct = whyDirect(scene)
  if (direct !== undefined) return direct
  const hasModerators = [...scene.members.values()].some((one) => one.isModerator)
  if (hasModerators && !isModerator(scene)) return problem('core.moderator-only')
  const { id: userId } = activity.object
  if (!scene.members.has(userId)) return problem('core.not-a-participant')
  const moderator = { userId, isModerator: activity.verb === 'assignModerator' }
  const activities = [toNew(activity, scene, person(userId))]
  return { change: { roomId: scene.room.id, moderator, activities }, condition: member(scene) }
}

const planErasure = (activity: Of<'delete'>, scene: Scene): Plan | Problem => {
  const erased = messageIn(scene)
  if (isProblem(erased)) return erased
  const isOwn = erased.authorId === scene.userId
  if (!isOwn && !isModerator(scene)) return problem('core.not-your-activity')
  const activities = [toNew(activity, scene, { objectType: 'activity', id: erased.id })]
  return {
    change: { roomId: scene.room.id, erase: erased.id, activities },
    condition: { ...member(scene), messageId: erased.id },
  }
}

/** Somebody joins a room of their team: they authorise themselves, by their right to the team's resource. */
export const planJoin = (kmsMessage: string | undefined, scene: Scene): Plan | Problem => {
  const { room, userId, newId } = scene
  const locked = whyLocked(scene)
  if (isProblem(locked)) return locked
  const activity = { verb: 'add', object: { id: userId, objectType: 'person' } } as const
  return planAdd({ ...activity, kmsMessage }, { ...scene, room, newId })
}
