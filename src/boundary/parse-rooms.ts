// Raw JSON to the frames about rooms: the core's part of an operation, what is withdrawn, who is in which
// room, who has left the organisation. Total and strict, like every parser here.

import { isUuid } from '../id.ts'
import { type Refusal, refuse } from '../refusal.ts'
import {
  ANONYMOUS_PER_PART,
  type CorePart,
  MEMBERS_PER_ROOM,
  type OffboardedDoneFrame,
  type OffboardedFrame,
  PART_OPERATIONS,
  type PartOperation,
  ROOMS_PER_FRAME,
  type RoomRoster,
  type RostersFrame,
  type WithdrawFrame,
} from './link.ts'
import { isIntegerWithin, isKmsUri, isListOf, isObjectOf, isWord } from './shape.ts'

const PART = new Set(['user', 'operation', 'resourceUri', 'keyUris', 'subjects', 'anonymous'])
const WITHDRAW = new Set(['type', 'id', 'part'])
const ROSTERS = new Set(['type', 'rooms', 'more'])
const ROSTER = new Set(['resourceUri', 'members', 'keyUri'])
const OFFBOARDED = new Set(['type', 'userId', 'resourceUris'])
const OFFBOARDED_DONE = new Set(['type', 'userId'])

/** At most this many keys in one operation; real ones name one. */
const KEYS_PER_PART = 100

const malformed = (about: string): Refusal => refuse('boundary.malformed-frame', about)

/** A person, or everybody who is authorised on another room. */
const isSubject = (raw: unknown): raw is string => isUuid(raw) || isKmsUri(raw)

const isPartOperation = (raw: unknown): raw is PartOperation =>
  PART_OPERATIONS.some((operation) => operation === raw)

const isAbsentOr = <Value>(
  raw: unknown,
  is: (value: unknown) => value is Value,
): raw is Value | undefined => raw === undefined || is(raw)

const isKeyList = (raw: unknown): raw is readonly string[] => isListOf(raw, KEYS_PER_PART, isKmsUri)

const isSubjectList = (raw: unknown): raw is readonly string[] =>
  isListOf(raw, MEMBERS_PER_ROOM, isSubject)

const isAnonymousCount = (raw: unknown): raw is number =>
  isIntegerWithin(raw, 0, ANONYMOUS_PER_PART)

/** The core's half of an operation, or undefined for anything else. */
export const parsePart = (raw: unknown): CorePart | undefined => {
  if (!isObjectOf(raw, PART)) return undefined
  const { user, operation, resourceUri, keyUris, subjects, anonymous } = raw
  if (!isUuid(user) || !isPartOperation(operation)) return undefined
  if (!isAbsentOr(resourceUri, isKmsUri)) return undefined
  if (!isAbsentOr(keyUris, isKeyList) || !isAbsentOr(subjects, isSubjectList)) return undefined
  if (!isAbsentOr(anonymous, isAnonymousCount)) return undefined
  return {
    user,
    operation,
    ...(resourceUri === undefined ? {} : { resourceUri }),
    ...(keyUris === undefined ? {} : { keyUris }),
    ...(subjects === undefined ? {} : { subjects }),
    ...(anonymous === undefined ? {} : { anonymous }),
  }
}

/** `withdraw` of a core. */
export const parseWithdraw = (raw: unknown): WithdrawFrame | Refusal => {
  if (!isObjectOf(raw, WITHDRAW) || !isWord(raw['id'])) return malformed('withdraw')
  const { id, part: rawPart } = raw
  if (rawPart === undefined) return { type: 'withdraw', id }
  const part = parsePart(rawPart)
  return part === undefined ? malformed('part') : { type: 'withdraw', id, part }
}

const isRoster = (raw: unknown): raw is RoomRoster => {
  if (!isObjectOf(raw, ROSTER)) return false
  const { resourceUri, members, keyUri } = raw
  return isKmsUri(resourceUri) && isSubjectList(members) && isAbsentOr(keyUri, isKmsUri)
}

/** `rosters` of a core. */
export const parseRosters = (raw: unknown): RostersFrame | Refusal => {
  if (!isObjectOf(raw, ROSTERS)) return malformed('rosters')
  const { rooms, more } = raw
  if (more !== undefined && more !== true) return malformed('more')
  if (!isListOf(rooms, ROOMS_PER_FRAME, isRoster)) return malformed('rooms')
  return more === undefined ? { type: 'rosters', rooms } : { type: 'rosters', rooms, more }
}

/** `off-boarded` of a realm. */
export const parseOffboarded = (raw: unknown): OffboardedFrame | Refusal => {
  if (!isObjectOf(raw, OFFBOARDED)) return malformed('off-boarded')
  const { userId, resourceUris } = raw
  if (!isUuid(userId)) return malformed('userId')
  return isListOf(resourceUris, RESOURCES_PER_OFFBOARDING, isKmsUri)
    ? { type: 'off-boarded', userId, resourceUris }
    : malformed('resourceUris')
}

/** Nobody is in more rooms; about 10 MB of a frame. */
const RESOURCES_PER_OFFBOARDING = 100_000

/** `off-boarded-done` of a core. */
export const parseOffboardedDone = (raw: unknown): OffboardedDoneFrame | Refusal =>
  isObjectOf(raw, OFFBOARDED_DONE) && isUuid(raw['userId'])
    ? { type: 'off-boarded-done', userId: raw['userId'] }
    : malformed('off-boarded-done')
