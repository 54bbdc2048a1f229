// The rooms of the core in memory: changed when the fake realm agrees, keyed as real cores do it. Its switch makes it
// lie about any outcome.

import type { HttpAnswer } from '../../../src/client/index.ts'
import type { FakeRealm } from './realm.ts'

export type Members = Record<string, unknown>

export interface FakeRoom extends Members {
  readonly id: string
  readonly participants: { items: { id: string; [member: string]: unknown }[] }
  readonly tags: readonly string[]
}

interface Settings {
  readonly realm: FakeRealm
  readonly userId: string
  readonly base: string
  readonly deliver: (data: Members) => void
}

export const answer = (status: number, body: unknown = {}): HttpAnswer => ({
  status,
  body: JSON.stringify(body),
})

const refusal = (status: number, code: string, errorCode: number): HttpAnswer =>
  answer(status, { code, errorCode, message: 'no' })

export const createFakeRooms = ({ realm, userId, base, deliver }: Settings) => {
  const conversations = new Map<string, FakeRoom>()
  const activities: Members[] = []
  /** Keys that a room had. */
  const former = new Set<unknown>()
  const state = {
    /** Changes what the client gets for a request that carried a sealed one. */
    change: (told: { status: number; body: Members }) => told,
    /** Every body that carried a sealed request. */
    shared: [] as Members[],
  }
  const { url: conversationUrl } = { url: `${base}/conversation/api/v1` }

  /** Acts if the realm did, and gives the client the realm's words. */
  const together = async (
    body: Members,
    act: (resourceUri: unknown) => Members,
  ): Promise<HttpAnswer> => {
    state.shared.push(body)
    const { kmsMessage, ...rest } = body
    if (typeof kmsMessage !== 'string') return answer(400, { code: 'core.kms-message-missing' })
    if (JSON.stringify(rest).includes(kmsMessage)) throw new Error('The message is in twice.')
    const { sealed, answer: clear } = await realm.conclude(kmsMessage)
    const status = Number(clear?.['status'] ?? 500)
    const { uri } = Object(clear?.['resource'])
    const told =
      status < 300
        ? { status: 201, body: { ...act(uri), kmsMessage: sealed } }
        : {
            status: 400,
            body: { errorCode: 1_900_000, message: sealed, errors: [{ description: sealed }] },
          }
    const { status: toldStatus, body: toldBody } = state.change(told)
    return answer(toldStatus, toldBody)
  }
  const create = (body: Members): Promise<HttpAnswer> =>
    together(body, (kmsResourceObjectUrl) => {
      const id = crypto.randomUUID()
      const { items } = body['activities'] as { items: { verb: string; object?: Members }[] }
      const added = items.flatMap(({ object }) => (object === undefined ? [] : [object]))
      const { displayName, encryptionKeyUrl, defaultActivityEncryptionKeyUrl, tags = [] } = body
      const room = {
        id,
        url: `${conversationUrl}/conversations/${id}`,
        ...{ displayName, encryptionKeyUrl, defaultActivityEncryptionKeyUrl, tags },
        kmsResourceObjectUrl,
        participants: { items: added.map((one) => ({ id: String(one['id']) })) },
      } as FakeRoom
      conversations.set(id, room)
      return room
    })

  const record = (body: Members): Members => {
    const { kmsMessage: _, ...rest } = body
    const activity = {
      ...rest,
      id: crypto.randomUUID(),
      actor: { id: userId },
      published: '2026-03-01T10:00:00.000Z',
    }
    activities.push(activity)
    deliver({ eventType: 'conversation.activity', activity })
    return activity
  }
  const dropKey = (room: FakeRoom): void => {
    former.add(room['defaultActivityEncryptionKeyUrl'])
    delete room['defaultActivityEncryptionKeyUrl']
  }
  const rekey = (room: FakeRoom, key: unknown): void => {
    former.add(room['defaultActivityEncryptionKeyUrl'])
    room['defaultActivityEncryptionKeyUrl'] = key
  }
  const whyStale = (room: FakeRoom, key: unknown): HttpAnswer | undefined => {
    const current = room['defaultActivityEncryptionKeyUrl']
    if (current === undefined) return refusal(400, 'core.rotation-required', 1_400_087)
    if (current === key) return undefined
    return former.has(key)
      ? refusal(409, 'core.key-rotated', 1_409_004)
      : refusal(400, 'core.key-mismatch', 1_400_049)
  }
  const change = (room: FakeRoom, { verb, object }: Members): void => {
    const { id, defaultActivityEncryptionKeyUrl } = Object(object)
    const { participants } = room
    if (verb === 'add') participants.items.push({ id })
    if (verb === 'leave') {
      participants.items = participants.items.filter((one) => one.id !== id)
      dropKey(room)
    }
    if (verb === 'updateKey') rekey(room, defaultActivityEncryptionKeyUrl)
  }
  const createActivity = async (body: Members): Promise<HttpAnswer> => {
    const { verb, target } = body
    const room = conversations.get(Object(target).id)
    if (room === undefined) return answer(404, { code: 'core.unknown-conversation' })
    if (verb === 'post' || verb === 'update') {
      const { displayName } = Object(body['object'])
      const refused = whyStale(room, body['encryptionKeyUrl'])
      if (refused !== undefined) return refused
      if (verb === 'update') {
        Object.assign(room, { displayName, encryptionKeyUrl: body['encryptionKeyUrl'] })
      }
      return answer(201, record(body))
    }
    return together(body, () => {
      change(room, body)
      return record(body)
    })
  }
  const show = ({ pathname, searchParams }: URL): HttpAnswer => {
    const [, , , , , id = '', sub] = pathname.split('/')
    if (id === 'user') {
      const pair = [...conversations.values()].find(
        ({ tags, participants }) =>
          tags.includes('ONE_ON_ONE') && participants.items.some((one) => one.id === sub),
      )
      return pair === undefined ? answer(404) : answer(200, pair)
    }
    const found = conversations.get(id)
    if (found === undefined) return answer(404)
    const limit = Number(searchParams.get('limit'))
    if (sub === 'participants') return answer(200, found.participants)
    return answer(200, sub === 'activities' ? { items: activities.slice(0, limit) } : found)
  }
  return { conversations, activities, state, dropKey, rekey, create, createActivity, show }
}
