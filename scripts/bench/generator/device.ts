// A device of somebody: registered at the core, listening, with a session and a room of its own. What it does for
// load it does through `work.ts`; what it does here is done once, before anything is measured.
import type { JsonWebKey } from 'node:crypto'
import {
  agree,
  type Channel,
  channelOf,
  makeOwnHalf,
  type OwnHalf,
  open,
  openSigned,
  type StaticKey,
  seal,
  sealHandshake,
  staticKeyFrom,
} from './channel.ts'
import { type Arrival, Mercury } from './mercury.ts'
import type { Cloud, Somebody } from './orders.ts'
import { PostOffice } from './post-office.ts'

export interface KnownKey {
  readonly uri: string
  readonly k: string
}

export interface Device {
  readonly who: Somebody
  readonly clientId: string
  readonly domain: string
  readonly own: OwnHalf
  readonly staticKey: StaticKey
  readonly channel: Channel
  readonly keys: readonly KnownKey[]
  /** Resolves once the post was accepted and all its answers are there. */
  post(body: string, answers: number): Promise<readonly Arrival[]>
}

type Unready = Omit<Device, 'channel' | 'keys'>
type Json = Readonly<Record<string, unknown>>

let requests = 0
export function newRequestId(): string {
  requests += 1
  return `bench-${process.pid}-${requests}`
}

export async function openDevice(who: Somebody, cloud: Cloud, keysEach: number): Promise<Device> {
  const unready = await connect(who, cloud)
  const channel = await shake(unready)
  const keys = keysEach === 0 ? [] : await furnish({ ...unready, channel, keys: [] }, keysEach)
  return { ...unready, channel, keys }
}

export function postBody(domain: string, kmsMessages: readonly string[]): string {
  return JSON.stringify({ destination: `kms://${domain}`, kmsMessages })
}

async function connect(who: Somebody, { origin, caFile, domain }: Cloud): Promise<Unready> {
  const office = new PostOffice(origin, caFile)
  const json = 'content-type: application/json\r\n'
  const headers = `authorization: Bearer ${who.coreToken}\r\n`
  const ask = async (method: 'GET' | 'POST', path: string, body?: string) => {
    const sent = { method, path, headers: `${headers}${json}` }
    const answer = await office.ask(body === undefined ? sent : { ...sent, body })
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`)
    return JSON.parse(answer.body)
  }
  const registered = await ask('POST', '/wdm/api/v1/devices', '{"deviceType":"DESKTOP"}')
  const details = await ask('GET', `/encryption/api/v1/kms/${who.id}`)
  const clientId: string = registered.url
  const mercury = await Mercury.open(registered.webSocketUrl, caFile, who.coreToken)
  const request = {
    method: 'POST',
    path: '/encryption/api/v1/kms/messages',
    headers: `${headers}${json}cisco-device-url: ${clientId}\r\n`,
  } as const
  return {
    who,
    clientId,
    domain,
    own: makeOwnHalf(),
    staticKey: staticKeyFrom(details.rsaPublicKey),
    async post(body, answers) {
      const arriving = mercury.expect(answers)
      // If the post fails, nobody waits for the answers any more.
      arriving.catch(() => undefined)
      const accepted = await office.ask({ ...request, body })
      if (accepted.status !== 202) throw new Error(`${accepted.status} ${accepted.body}`)
      return await arriving
    },
  }
}

export function requestOf(device: Pick<Device, 'who' | 'clientId'>, fields: Json): Json {
  const { who, clientId } = device
  const credential = { userId: who.id, bearer: who.kmsToken }
  return { ...fields, client: { clientId, credential } }
}

export function handshakeOf(device: Unready, requestId: string): string {
  const uri = `kms://${device.domain}/ecdhe`
  const fields = { method: 'create', uri, requestId, jwk: device.own.publicJwk }
  return sealHandshake(JSON.stringify(requestOf(device, fields)), device.staticKey)
}

async function shake(device: Unready): Promise<Channel> {
  const sealed = handshakeOf(device, newRequestId())
  const [answer] = await device.post(postBody(device.domain, [sealed]), 1)
  const { key, status }: { status: number; key: { uri: string; jwk: JsonWebKey } } = JSON.parse(
    openSigned(answer?.compact ?? '', device.staticKey),
  )
  if (status !== 201) throw new Error(`The handshake was answered by ${status}.`)
  return channelOf(key.uri, agree(device.own, key.jwk))
}

/** A room of the device's own with so many keys. */
async function furnish(device: Device, count: number): Promise<readonly KnownKey[]> {
  const made = await askOnce(device, { method: 'create', uri: '/keys', count })
  const keys = (made['keys'] as { uri: string; jwk: { k: string } }[]).map(({ uri, jwk }) => ({
    uri,
    k: jwk.k,
  }))
  const keyUris = keys.map(({ uri }) => uri)
  await askOnce(device, { method: 'create', uri: '/resources', keyUris, userIds: [device.who.id] })
  return keys
}

async function askOnce(device: Device, fields: Json): Promise<Json> {
  const requestId = newRequestId()
  const sealed = seal(JSON.stringify(requestOf(device, { ...fields, requestId })), device.channel)
  const [answer] = await device.post(postBody(device.domain, [sealed]), 1)
  const opened: Json = JSON.parse(open(answer?.compact ?? '', device.channel))
  if (opened['status'] !== 201) throw new Error(JSON.stringify(opened))
  return opened
}
