// A core in memory, as a transport: devices, details, messages to the fake realm and answers back over the socket,
// and rooms. Its switches make it slow, forgetful or hostile.

import type {
  ClientTransport,
  HttpAnswer,
  HttpExchange,
  SocketEvents,
} from '../../../src/client/index.ts'
import { answer, createFakeRooms, type Members } from './core-rooms.ts'
import { DOMAIN, type FakeRealm } from './realm.ts'

export const BASE = 'https://core.example.test'
export const ALICE = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
export const BOB = '27d4c915-8e3a-4b0f-9d61-c5a8f47b6302'

export interface FakeSocket {
  readonly events: SocketEvents
  readonly sent: Members[]
  closedWith: number | undefined
  authorized: boolean
}

export type FakeCore = ReturnType<typeof createFakeCore>

export const createFakeCore = (realm: FakeRealm, userId = ALICE) => {
  const sockets: FakeSocket[] = []
  const posts: string[][] = []
  const state = {
    goodToken: 'core-token',
    /** Answers are not delivered while this is set. */
    isSilent: false,
    postStatus: 202,
    details: realm.details as Members,
    lastId: 0,
  }

  const deliver = (data: Members, eventId?: string): void => {
    const socket = sockets.at(-1)
    if (socket === undefined || socket.closedWith !== undefined) return
    state.lastId += 1
    const id = eventId ?? `m${state.lastId}`
    socket.events.onText(JSON.stringify({ id, data, sequenceNumber: state.lastId }))
  }
  const deliverKms = (...kmsMessages: readonly string[]): void =>
    deliver({ eventType: 'encryption.kms_message', encryption: { kmsMessages } })

  const device = {
    url: `${BASE}/wdm/api/v1/devices/d1`,
    webSocketUrl: 'wss://core.example.test/mercury/d1',
    userId,
    deviceType: 'DESKTOP',
    services: {
      encryptionServiceUrl: `${BASE}/encryption/api/v1`,
      conversationServiceUrl: `${BASE}/conversation/api/v1`,
    } as Members,
  }

  const takeMessages = ({ destination, kmsMessages }: Members): HttpAnswer => {
    if (destination !== `kms://${DOMAIN}` || !Array.isArray(kmsMessages)) return answer(403)
    posts.push(kmsMessages)
    if (state.postStatus !== 202) return answer(state.postStatus)
    void (async () => {
      const answers = await Promise.all(kmsMessages.map((one: string) => realm.answer(one)))
      if (!state.isSilent) for (const one of answers) deliverKms(one)
    })()
    return answer(202)
  }

  const rooms = createFakeRooms({ realm, userId, base: BASE, deliver })

  const routes: Readonly<
    Record<string, (body: Members, url: URL) => HttpAnswer | Promise<HttpAnswer>>
  > = {
    'POST wdm/devices': () => answer(200, device),
    'PUT wdm/devices': () => answer(200, device),
    'DELETE wdm/devices': () => answer(204),
    'GET encryption/kms': () => answer(200, state.details),
    'POST encryption/kms': takeMessages,
    'POST conversation/conversations': rooms.create,
    'POST conversation/activities': rooms.createActivity,
    'GET conversation/conversations': (_, url) => rooms.show(url),
  }

  const route = async ({ method, url: text, body }: HttpExchange): Promise<HttpAnswer> => {
    const url = new URL(text)
    const [, service, , , kind] = url.pathname.split('/')
    const answerTo = routes[`${method} ${service}/${kind}`]
    const members = body === undefined ? {} : (JSON.parse(body) as Members)
    return answerTo === undefined ? answer(404) : await answerTo(members, url)
  }

  const takeFrame = (socket: FakeSocket, frame: Members): void => {
    socket.sent.push(frame)
    const { type, data, id } = frame
    if (type === 'ping') return socket.events.onText(JSON.stringify({ id, type: 'pong' }))
    if (type !== 'authorization') return
    if ((data as Members)['token'] !== `Bearer ${state.goodToken}`)
      return socket.events.onClose(4401)
    socket.authorized = true
    deliver({ eventType: 'mercury.buffer_state' })
  }

  const transport: ClientTransport = {
    async exchange(request) {
      const isGood = request.headers['authorization'] === `Bearer ${state.goodToken}`
      return isGood ? route(request) : answer(401)
    },
    openSocket(_url, events) {
      const socket: FakeSocket = { events, sent: [], closedWith: undefined, authorized: false }
      sockets.push(socket)
      setImmediate(() => events.onOpen())
      return {
        send: (text) => takeFrame(socket, JSON.parse(text) as Members),
        close(code) {
          socket.closedWith = code
        },
      }
    },
  }
  return {
    state,
    transport,
    sockets,
    posts,
    rooms,
    conversations: rooms.conversations,
    activities: rooms.activities,
    device,
    deliver,
    deliverKms,
  }
}
