// Joins the parts of the client into one value. It fails closed: without roots and the realm's own name there is no
// client, and without a proven static key nothing is ever sealed.

import { parseRoots } from './certificates.ts'
import { Channel, type KmsRequest } from './channel.ts'
import { type ClientClock, systemClock, within } from './clock.ts'
import { createRooms, type Rooms, type RoomsWithEvents } from './conversation.ts'
import { type Device, type DeviceDescription, registerDevice, unregisterDevice } from './device.ts'
import { createHttpClient, type HttpClient, type TokenSource } from './http.ts'
import { type JsonObject, textMember } from './json.ts'
import { createKeys, type Keys } from './keys.ts'
import { Mercury, socketReady } from './mercury.ts'
import { createOutbox } from './outbox.ts'
import { createReceipts, NO_RECEIPTS, type Receipts } from './receipts.ts'
import { createResources, type Resources } from './resources.ts'
import type { Search } from './search.ts'
import { createSearchKey } from './search-key.ts'
import { Sessions } from './session.ts'
import type { ClientTransport } from './transport.ts'
import { type RealmTrust, validateRealm } from './validate.ts'

export interface ConnectSettings {
  /** Base of device registration at the core: `https://core.example/wdm/api/v1`. */
  readonly wdmUrl: string
  readonly realm: {
    /** The realm's host in lower case, as the organisation told its people; the core is not asked. */
    readonly domain: string
    /** PEM certificates that the realm's identity must lead to. At least one. */
    readonly rootsPem: readonly string[]
  }
  /** For the core: without scope spark:kms. */
  readonly coreToken: TokenSource
  /** For the realm, only ever sent sealed: scope spark:kms and no other. */
  readonly kmsToken: TokenSource
  readonly transport: ClientTransport
  readonly device?: DeviceDescription
  /** How long an answer of the realm may take before the request is sent again; default 6 s. */
  readonly answerTimeoutMs?: number
  /** Unbound keys asked for at a time; default 4. */
  readonly keyPoolSize?: number
  /** Tell the realm which keys arrived and what they were used for; default no. Other realms need not know how. */
  readonly receipts?: boolean
  readonly clock?: ClientClock
  /** What went wrong where nobody waits: a message that cannot be read, the socket closed for good. */
  readonly onProblem?: (problem: ClientProblem) => void
}

export type ClientProblem =
  | { readonly problem: 'unreadable-message'; readonly activityId: string; readonly error: unknown }
  | { readonly problem: 'socket-gone'; readonly code: number }

export interface KeyrealmClient {
  readonly userId: string
  /** This program's device URL. */
  readonly clientId: string
  readonly keys: Keys
  readonly resources: Resources
  readonly rooms: Rooms
  /** Arrivals are noted by themselves; an application adds what it sealed and opened. */
  readonly receipts: Receipts
  /** Messages, names of files and titles of all rooms of this person, by their words. */
  readonly search: Search
  /** Any other request to the realm: the members of its good answer. */
  ask(request: KmsRequest): Promise<JsonObject>
  /** Resolves if the realm answers under the session. */
  ping(): Promise<void>
  /** Ends the session and the socket, unregisters the device, forgets all keys. */
  close(): Promise<void>
}

const SOCKET_TIMEOUT_MS = 30_000
/** Nobody waits longer for the last receipts. */
const FAREWELL = { milliseconds: 2000, otherwise: undefined } as const

/**
 * Registers a device and opens its event socket. The realm is met at the first request. Rejects ClientError, among
 * them `client.realm-not-trusted` `no-roots` before anything is sent.
 */
export const connect = async (settings: ConnectSettings): Promise<KeyrealmClient> => {
  const { transport, clock = systemClock, device: description = DEFAULT_DEVICE } = settings
  const { domain, rootsPem } = settings.realm
  const trust = { domain, roots: parseRoots(rootsPem) }
  const plainHttp = createHttpClient(transport, settings.coreToken)
  const device = await registerDevice(plainHttp, settings.wdmUrl, description)
  const http = createHttpClient(transport, settings.coreToken, device.url)
  const onReset = (): void => {
    parts.keys.dropUnbound()
    channel.reset()
  }
  const channel = joinChannel({ settings, clock, trust, device, http, onReset })
  const parts = joinParts({ settings, clock, device, http, channel })
  const mercury = openSocket({ settings, clock, device, channel, rooms: parts.rooms })
  try {
    await socketReady(mercury, clock, SOCKET_TIMEOUT_MS)
  } catch (error) {
    mercury.close()
    throw error
  }
  return {
    userId: device.userId,
    clientId: device.url,
    ...parts,
    ask: (request) => channel.ask(request),
    async ping() {
      await channel.ask({ method: 'update', uri: '/ping' })
    },
    async close() {
      await within(parts.receipts.flush(), clock, FAREWELL)
      await channel.end()
      mercury.close()
      parts.keys.forget()
      await unregisterDevice(http, device)
    },
  }
}

const DEFAULT_DEVICE: DeviceDescription = { deviceType: 'DESKTOP', name: 'keyrealm-client' }
const ANSWER_TIMEOUT_MS = 6000
const KEY_POOL_SIZE = 4

interface Joining {
  readonly settings: ConnectSettings
  readonly clock: ClientClock
  readonly device: Device
}

function joinChannel({
  settings,
  clock,
  device,
  http,
  trust,
  onReset,
}: Joining & {
  readonly http: HttpClient
  readonly trust: RealmTrust
  readonly onReset: () => void
}): Channel {
  const destination = `kms://${trust.domain}`
  const url = `${device.encryptionUrl}/kms/messages`
  const outbox = createOutbox({ http, url, destination, clock })
  const bearer = async () => settings.kmsToken({ renew: false })
  const shared = {
    clock,
    clientId: device.url,
    credential: async () => ({ userId: device.userId, bearer: await bearer() }),
    answerTimeoutMs: settings.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
  }
  const sessions = new Sessions({
    ...shared,
    async staticKey() {
      const details = await http.ask('GET', `${device.encryptionUrl}/kms/${device.userId}`)
      const kmsCluster = textMember(details, 'kmsCluster')
      const rsaPublicKey = textMember(details, 'rsaPublicKey')
      return validateRealm({ kmsCluster, rsaPublicKey }, trust, clock.now())
    },
    post: (compact) => outbox.postAlone(compact),
    onReset,
  })
  return new Channel({ ...shared, sessions, outbox })
}

interface Parts {
  readonly receipts: Receipts
  readonly keys: Keys
  readonly resources: Resources
  readonly rooms: RoomsWithEvents
  readonly search: Search
}

function joinParts({
  settings,
  clock,
  device,
  http,
  channel,
}: Joining & { readonly http: HttpClient; readonly channel: Channel }): Parts {
  const receipts = settings.receipts === true ? createReceipts({ channel, clock }) : NO_RECEIPTS
  const poolSize = settings.keyPoolSize ?? KEY_POOL_SIZE
  const keys = createKeys({ channel, clock, poolSize, receipts })
  const resources = createResources(channel)
  const rooms = createRooms({
    http,
    conversationUrl: device.conversationUrl,
    userId: device.userId,
    channel,
    keys,
    resources,
    onUnreadable: (activityId, error) =>
      settings.onProblem?.({ problem: 'unreadable-message', activityId, error }),
  })
  const { userId, searchUrl } = device
  const searchKey = createSearchKey({ keys, resources, userId })
  const roomNamed = rooms.known
  // Stemmers are loaded by whoever searches: in a browser they need a bundler.
  const loading = once(async () => {
    const { createSearch } = await import('./search.ts')
    return createSearch({ http, clock, searchUrl, searchKey, keys, roomNamed })
  })
  const search: Search = async (words, options) => (await loading())(words, options)
  return { keys, resources, rooms, receipts, search }
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => {
    made ??= make()
    return made
  }
}

function openSocket({
  settings,
  clock,
  device,
  channel,
  rooms,
}: Joining & { readonly channel: Channel; readonly rooms: RoomsWithEvents }): Mercury {
  return new Mercury({
    url: device.webSocketUrl,
    transport: settings.transport,
    token: settings.coreToken,
    clock,
    onEvent(data) {
      for (const compact of kmsMessagesOf(data)) void channel.receive(compact)
      void rooms.receive(data)
    },
    onGone: (code) => settings.onProblem?.({ problem: 'socket-gone', code }),
  })
}

function kmsMessagesOf({ eventType, encryption }: JsonObject): readonly string[] {
  if (eventType !== 'encryption.kms_message') return []
  const isObject = typeof encryption === 'object' && encryption !== null
  const raw: unknown = isObject && 'kmsMessages' in encryption ? encryption.kmsMessages : []
  return Array.isArray(raw) ? raw.filter((one) => typeof one === 'string') : []
}
