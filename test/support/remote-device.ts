// A device that talks to a realm the long way: posts to the core over HTTPS, hears over Mercury. What it seals and
// opens is `device.ts`, so a test knows its session key and can send what no client would.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { json, text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import type { MessagesFrame, SealedAnswer } from '../../src/boundary/index.ts'
import { Device, type Json } from './device.ts'
import type { RunningWorld } from './running-world.ts'

export interface Answer {
  readonly status: number
  readonly body: Json
}

export interface RemoteDevice {
  readonly device: Device
  /** Of the static key that it was given and keeps, as running clients do. */
  readonly staticKid: string
  /** A request to the core as this person. */
  ask(method: string, url: string, body?: object): Promise<Answer>
  /** Status of the core's answer to the last post. */
  lastStatus(): number
  /** Opens the event socket again, as clients do when it broke. */
  reconnect(): Promise<void>
  close(): void
}

export interface RemoteWishes {
  /** Instead of the person's own token for the realm. */
  readonly kmsToken?: string
  /** Who it says it is to the realm: nobody, if it has no more than a bearer token. */
  readonly userId?: string
  readonly name?: string
  /** How long a post waits for its answers. */
  readonly answersWithinMs?: number
}

const send = async (
  { ca, coreToken }: { readonly ca: string; readonly coreToken: string },
  method: string,
  url: string,
  body?: object,
): Promise<Answer> => {
  const headers = { authorization: `Bearer ${coreToken}`, 'content-type': 'application/json' }
  const asked = request(url, { ca, method, headers, agent: false })
  asked.end(body === undefined ? undefined : JSON.stringify(body))
  const [answer] = await once(asked, 'response')
  const isJson = /json/.test(String(answer.headers['content-type']))
  if (isJson) return { status: answer.statusCode, body: (await json(answer)) as Json }
  await text(answer)
  return { status: answer.statusCode, body: {} }
}

type Listener = (kmsMessage: string) => void

interface Event {
  readonly id: string
  readonly data?: { readonly eventType: string; readonly encryption?: { kmsMessages: string[] } }
}

const openSocket = async (
  url: string,
  { ca, coreToken }: { readonly ca: string; readonly coreToken: string },
  heard: Listener,
): Promise<WebSocket> => {
  const socket = new WebSocket(url, { ca, perMessageDeflate: false })
  const { promise: settled, resolve } = Promise.withResolvers<void>()
  socket.on('error', () => undefined)
  socket.on('message', (raw) => {
    const { id, data }: Event = JSON.parse(raw.toString())
    if (data?.eventType === 'mercury.buffer_state') return resolve()
    socket.send(JSON.stringify({ messageId: id, type: 'ack' }))
    for (const one of data?.encryption?.kmsMessages ?? []) heard(one)
  })
  await once(socket, 'open')
  const data = { token: `Bearer ${coreToken}` }
  socket.send(JSON.stringify({ id: 'c1', type: 'authorization', data }))
  await Promise.race([settled, once(socket, 'close')])
  return socket
}

/** Answers of one post at a time: the next post waits, so that answers are never mistaken for each other's. */
const createMail = (withinMs: number) => {
  let heard: Listener | undefined
  let turn: Promise<unknown> = Promise.resolve()
  const collect = (count: number, post: () => Promise<boolean>): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      const texts: string[] = []
      const end = () => {
        clearTimeout(timer)
        heard = undefined
        resolve(texts)
      }
      const timer = setTimeout(end, withinMs)
      heard = (kmsMessage) => {
        texts.push(kmsMessage)
        if (texts.length === count) end()
      }
      post().then((isTaken) => isTaken || end(), reject)
    })
  return {
    hear: (kmsMessage: string) => heard?.(kmsMessage),
    exchange(count: number, post: () => Promise<boolean>): Promise<readonly string[]> {
      const exchanged = turn.then(() => collect(count, post))
      turn = exchanged.catch(() => undefined)
      return exchanged
    },
  }
}

const ANSWERS_WITHIN_MS = 20_000

/** Registers a device of a person and opens its socket. */
export const remoteDevice = async (
  world: RunningWorld,
  name: string,
  wishes: RemoteWishes = {},
): Promise<RemoteDevice> => {
  const { id, coreToken, kmsToken } = world.user(name)
  const userId = wishes.userId ?? id
  const ca = readFileSync(world.certificates.tlsCaFile, 'utf8')
  const to = { ca, coreToken }
  const { wdmUrl, encryptionUrl } = world.ready.core
  const description = { deviceType: 'DESKTOP', name: wishes.name ?? 'a test' }
  const { body: registered } = await send(to, 'POST', `${wdmUrl}/devices`, description)
  const { body: details } = await send(to, 'GET', `${encryptionUrl}/kms/${id}`)
  const mail = createMail(wishes.answersWithinMs ?? ANSWERS_WITHIN_MS)
  const connect = () => openSocket(String(registered['webSocketUrl']), to, mail.hear)
  let socket = await connect()
  let lastStatus = 0
  const clientId = String(registered['url'])
  const handle = async ({ kmsMessages }: MessagesFrame): Promise<readonly SealedAnswer[]> => {
    const body = { destination: details['kmsCluster'], kmsMessages }
    const texts = await mail.exchange(kmsMessages.length, async () => {
      const answer = await send(to, 'POST', `${encryptionUrl}/kms/messages`, body)
      lastStatus = answer.status
      return lastStatus === 202
    })
    return texts.map((kmsMessage, n) => ({ n, deliverTo: clientId, kmsMessage }))
  }
  const sender = {
    corridor: () => ({ handle }),
    staticJwk: () => String(details['rsaPublicKey']),
    home: `kms://${world.at(name).plan.domain}`,
  }
  const { kid }: { kid: string } = JSON.parse(sender.staticJwk())
  return {
    staticKid: kid,
    device: new Device(sender, { userId, clientId, bearer: wishes.kmsToken ?? kmsToken }),
    ask: (method, url, body) => send(to, method, url, body),
    lastStatus: () => lastStatus,
    async reconnect() {
      socket.terminate()
      socket = await connect()
    },
    close: () => socket.terminate(),
  }
}
