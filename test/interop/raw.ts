// A client of nothing but node-kms (unmodified), fetch and a WebSocket: it sees every answer as it
// arrives, which the SDK hides. Like the simplest clients in the field it relies on one answer per
// event and on answers in the order of the requests.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type Frame, http, openSocket, type Socket } from './wire.ts'
import { type User, world } from './world.ts'

export interface Answer {
  readonly status: number
  readonly requestId: string
  readonly reason?: string
  readonly [member: string]: unknown
}

export interface Key {
  readonly uri: string
  readonly userId: string
  readonly clientId: string
  readonly expirationDate: string
  readonly bindDate?: string
  readonly resourceUri?: string
  readonly jwk: Readonly<Record<string, string>>
}

export interface Authorization {
  readonly uri: string
  readonly authId: string
  readonly resourceUri: string
  /** `…/roles/agent` is a machine: the indexer stands in every room's list. */
  readonly roleUri: string
}

export interface Resource {
  readonly uri: string
  readonly keyUris: readonly string[]
  readonly authorizationUris: readonly string[]
}

interface KeyObject {
  readonly uri: string
  asKey(): Promise<{ toJSON(): Record<string, unknown> }>
}

/** What node-kms calls a context: who asks, whom, and under which session key. */
export interface Context {
  clientInfo: { clientId: string; credential: Readonly<Record<string, string>> }
  serverInfo: { key: Readonly<Record<string, unknown>> & { readonly kid: string } }
  ephemeralKey: KeyObject
  createECDHKey(): Promise<KeyObject>
  deriveEphemeralKey(remote: unknown): Promise<KeyObject>
}

interface NodeKms {
  Context: new () => Context
  KeyObject: new (representation: object) => KeyObject
  Request: new (
    body: object,
  ) => { readonly requestId: string; wrap(context: Context, options?: object): Promise<string> }
  Response: new (wrapped: string) => { unwrap(context: Context): Promise<Answer> }
}

const require = createRequire(import.meta.url)
export const kms = require('node-kms') as NodeKms

const ANSWER_WITHIN_MS = 10_000

export class RawClient {
  readonly user: User
  readonly deviceUrl: string
  context = new kms.Context()
  cluster = ''
  #socket: Socket
  #arrived: string[][] = []
  #waiting: ((messages: string[]) => void)[] = []

  private constructor(user: User, deviceUrl: string, socket: Socket) {
    this.user = user
    this.deviceUrl = deviceUrl
    this.#socket = socket
    socket.on('message', (frame: Buffer) => this.#receive(JSON.parse(String(frame)) as Frame))
  }

  /** Registers a device, opens its socket and agrees a session. */
  static async connect(user: User): Promise<RawClient> {
    const { url, webSocketUrl } = await registerDevice(user)
    const client = new RawClient(user, url, await openSocket(webSocketUrl, user.coreToken))
    const credential = { userId: user.id, bearer: user.kmsToken }
    client.context.clientInfo = { clientId: url, credential }
    await client.readDetails()
    await client.handshake()
    return client
  }

  async readDetails(): Promise<{ kmsCluster: string; rsaPublicKey: unknown }> {
    const url = `${world.core.encryptionUrl}/kms/${this.user.id}`
    const response = await http('GET', url, { token: this.user.coreToken })
    assert.equal(response.status, 200)
    const details = (await response.json()) as { kmsCluster: string; rsaPublicKey: string }
    this.cluster = details.kmsCluster
    this.context.serverInfo = { key: JSON.parse(details.rsaPublicKey) }
    return details
  }

  /** Agrees a new session key; returns the compact JWS and what it said. */
  async handshake(): Promise<{ jws: string; answer: Answer }> {
    const local = await this.context.createECDHKey()
    this.context.ephemeralKey = local
    const jwk = (await local.asKey()).toJSON()
    const request = new kms.Request({ uri: `${this.cluster}/ecdhe`, method: 'create', jwk })
    await this.post([await request.wrap(this.context, { serverKey: true })])
    const jws = await this.next()
    const answer = await this.unwrap(jws)
    assert.equal(answer.status, 201, answer.reason)
    assert.equal(answer.requestId, request.requestId)
    this.context.ephemeralKey = await this.context.deriveEphemeralKey(answer['key'])
    return { jws, answer }
  }

  /** Our session, but with a credential of the test's choosing. */
  contextWith(credential: { userId: string; bearer: string }): Context {
    const clientInfo = { clientId: this.deviceUrl, credential }
    const { serverInfo, ephemeralKey } = this.context
    return Object.assign(new kms.Context(), { clientInfo, serverInfo, ephemeralKey })
  }

  wrap(body: object, context: Context = this.context): Promise<string> {
    return new kms.Request(body).wrap(context)
  }

  unwrap(message: string): Promise<Answer> {
    return new kms.Response(message).unwrap(this.context)
  }

  /** One request, one answer, with the check that it answers this very request. */
  async ask(body: object, context: Context = this.context): Promise<Answer> {
    const request = new kms.Request(body)
    await this.post([await request.wrap(context)])
    const answer = await this.unwrap(await this.next())
    assert.equal(answer.requestId, request.requestId)
    return answer
  }

  async post(kmsMessages: string[]): Promise<void> {
    const { status } = await http('POST', `${world.core.encryptionUrl}/kms/messages`, {
      token: this.user.coreToken,
      body: { destination: this.cluster, kmsMessages },
      deviceUrl: this.deviceUrl,
    })
    assert.equal(status, 202)
  }

  /** The next KMS message to arrive. Fails if its event carried more than this one. */
  async next(): Promise<string> {
    const [message, ...others] = await this.#nextEvent()
    assert(message, 'an event without a KMS message')
    assert.equal(others.length, 0, 'more than one answer in an event')
    return message
  }

  /** Proves a silence: fails if anything arrives within the time given. */
  async nothingFor(timeMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, timeMs))
    assert.equal(this.#arrived.length, 0, 'an answer nobody asked for')
  }

  async createKeys(count: number): Promise<Key[]> {
    const answer = await this.ask({ method: 'create', uri: '/keys', count })
    assert.equal(answer.status, 201, answer.reason)
    return answer['keys'] as Key[]
  }

  async createKey(): Promise<Key> {
    const [key] = await this.createKeys(1)
    assert(key)
    return key
  }

  async createResource(members: object): Promise<Resource> {
    const answer = await this.ask({ method: 'create', uri: '/resources', ...members })
    assert.equal(answer.status, 201, answer.reason)
    return answer['resource'] as Resource
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
    await http('DELETE', this.deviceUrl, { token: this.user.coreToken })
  }

  #nextEvent(): Promise<string[]> {
    const arrived = this.#arrived.shift()
    if (arrived) return Promise.resolve(arrived)
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`))
      const timer = setTimeout(late, ANSWER_WITHIN_MS)
      this.#waiting.push((messages) => {
        clearTimeout(timer)
        resolve(messages)
      })
    })
  }

  #receive(frame: Frame): void {
    assert(frame.id, 'an event without an id')
    this.#socket.send(JSON.stringify({ messageId: frame.id, type: 'ack' }))
    if (frame.data.eventType !== 'encryption.kms_message') return
    assert.equal(frame.data.headers, undefined, 'clients write headers into the event')
    const messages = frame.data.encryption?.kmsMessages ?? []
    const waiting = this.#waiting.shift()
    if (waiting) waiting(messages)
    else this.#arrived.push(messages)
  }
}

export async function registerDevice(user: User): Promise<{ url: string; webSocketUrl: string }> {
  const name = 'node-kms'
  const body = { deviceType: 'DESKTOP', name, model: name, localizedModel: name, systemName: name }
  const token = user.coreToken
  const response = await http('POST', `${world.core.wdmUrl}/devices`, { token, body })
  assert.equal(response.status, 200)
  return (await response.json()) as { url: string; webSocketUrl: string }
}

/** Of people and resources; machines are not counted. */
export function authIdsIn(answer: Answer): string[] {
  assert.equal(answer.status < 300, true, answer.reason)
  return (answer['authorizations'] as Authorization[])
    .filter(({ roleUri }) => !roleUri.endsWith('/roles/agent'))
    .map(({ authId }) => authId)
}

/** The protected header of a compact JWE or JWS. */
export function headerOf(message: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(message.split('.')[0] ?? '', 'base64url').toString('utf8'))
}
