// The way to the realms: what a client needs to begin (details), and sealed messages in. A message is never
// opened here; a destination other than the sender's own realm is refused.

import { MESSAGES_PER_POST, SEALED_MESSAGE_MAX_CHARS } from '../../boundary/index.ts'
import { isUuid } from '../../id.ts'
import type { Devices } from '../devices/devices.ts'
import type { Body } from '../http/body.ts'
import type { Caller } from '../http/caller.ts'
import { type Answer, type Call, json, type Route } from '../http/http.ts'
import { isProblem, type Problem, problem } from '../http/problem.ts'
import { PATHS } from '../http/urls.ts'
import type { Realm, Realms } from './realms.ts'
import type { Letter, Relay } from './relay.ts'

export interface KmsRooms {
  readonly devices: Devices
  readonly realms: Realms
  readonly relay: Relay
  /** The organization of a user whom the core has met, else undefined. */
  readonly organizationOf: (userId: string) => Promise<string | undefined>
}

export const kmsRoutes = (rooms: KmsRooms): readonly Route[] => [
  {
    method: 'GET',
    path: `${PATHS.encryption}/kms/:userId?`,
    name: 'kms-details',
    answer: ({ caller, param }) => showDetails(caller, param('userId'), rooms),
  },
  {
    method: 'POST',
    path: `${PATHS.encryption}/kms/messages`,
    name: 'kms-messages',
    async answer(call) {
      const letter = await toLetter(call, rooms)
      if (isProblem(letter)) return letter
      return rooms.relay.post(letter) ?? ACCEPTED()
    },
  },
]

/** Observed of real clients: one of them takes 202 alone for success. The body is ignored by all. */
const ACCEPTED = (): Response => new Response(null, { status: 202 })

const showDetails = async (caller: Caller, userId: string, rooms: KmsRooms): Promise<Answer> => {
  const organizationId = await organizationFor(caller, userId, rooms)
  if (organizationId === undefined) return problem('core.unknown-user')
  const realm = rooms.realms.serving(organizationId)
  if (realm === undefined) return problem('core.organization-not-served')
  // Strings only: an old client reads the whole answer as string to string.
  return realm.details === undefined ? problem('core.realm-unreachable') : json(realm.details)
}

const organizationFor = (
  { userId, organizationId }: Caller,
  askedFor: string,
  { organizationOf }: KmsRooms,
): Promise<string | undefined> => {
  if (askedFor === '' || askedFor === userId) return Promise.resolve(organizationId)
  return isUuid(askedFor) ? organizationOf(askedFor) : Promise.resolve(undefined)
}

const toLetter = async (
  { caller, trackingId, header, body }: Call,
  { devices, realms }: KmsRooms,
): Promise<Letter | Problem> => {
  const realm = realms.serving(caller.organizationId)
  if (realm === undefined) return problem('core.organization-not-served')
  const posted = parsePost(await body())
  if (isProblem(posted)) return posted
  const closed = whyClosed(realm, posted.destination)
  if (closed !== undefined) return closed
  const senderDevices = await devices.own(caller.userId)
  const httpDevice = header('cisco-device-url')
  if (httpDevice !== undefined && !senderDevices.has(httpDevice)) {
    return problem('core.foreign-device')
  }
  const letter = {
    domain: realm.domain,
    sender: caller.userId,
    senderDevices,
    trackingId,
    kmsMessages: posted.kmsMessages,
  }
  return httpDevice === undefined ? letter : { ...letter, httpDevice }
}

const whyClosed = ({ details, state }: Realm, destination: string): Problem | undefined => {
  if (details === undefined) return problem('core.realm-unreachable')
  if (destination !== details.kmsCluster) return problem('core.wrong-destination')
  return state === 'locked' ? problem('kms.locked') : undefined
}

interface Post {
  readonly destination: string
  readonly kmsMessages: readonly string[]
}

const DESTINATION_MAX_CHARS = 300

/**
 * By hand, not by schema: this is the hot path, and an element at fault must not harm its neighbours.
 * Other members are ignored: nothing of them is forwarded or kept.
 */
const parsePost = (body: Body | Problem): Post | Problem => {
  if (isProblem(body)) return body
  const { value } = body
  if (typeof value !== 'object' || value === null) return problem('core.body-invalid', 'body')
  const destination = 'destination' in value ? value.destination : undefined
  if (typeof destination !== 'string' || destination.length > DESTINATION_MAX_CHARS) {
    return problem('core.body-invalid', 'destination')
  }
  const kmsMessages = parseMessages('kmsMessages' in value ? value.kmsMessages : undefined)
  return isProblem(kmsMessages) ? kmsMessages : { destination, kmsMessages }
}

const parseMessages = (raw: unknown): readonly string[] | Problem => {
  const isList = Array.isArray(raw) && raw.length >= 1 && raw.length <= MESSAGES_PER_POST
  if (!isList) return problem('core.body-invalid', 'kmsMessages')
  const messages = raw.map((element: unknown) => (isForwardable(element) ? element : GARBAGE))
  return messages.every((message) => message === GARBAGE)
    ? problem('core.body-invalid', 'kmsMessages')
    : messages
}

/** Stands in the place of an element that is not forwarded, so that the others keep their positions. */
const GARBAGE = ''

const isForwardable = (raw: unknown): raw is string =>
  typeof raw === 'string' && raw.length <= SEALED_MESSAGE_MAX_CHARS
