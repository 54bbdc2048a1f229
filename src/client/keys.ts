// Content keys: taken from a small pool of unbound ones, bound once, fetched once and kept. Key bytes stay in this
// process; nothing here writes them anywhere.

import { base64url } from 'jose'
import type { Asks, KmsRequest } from './channel.ts'
import type { ClientClock } from './clock.ts'
import { ClientError, KmsRefused } from './errors.ts'
import { type JsonObject, listMember, objectMember, textMember } from './json.ts'
import type { Receipts } from './receipts.ts'

export interface ContentKey {
  /** `kms://HOST/keys/UUID`: how messages name it. */
  readonly uri: string
  /** 32 bytes for AES-256-GCM. */
  readonly bytes: Uint8Array
  /** Once it is bound. */
  readonly resourceUri?: string
  /** When the realm bound it, in ms since 1970; absent where it did not say. */
  readonly boundAtMs?: number
}

export interface Keys {
  /** A fresh key, bound to nothing; nobody else can read it until it is bound. */
  takeUnbound(): Promise<ContentKey>
  /** Binds for good: everyone authorised on the resource may read the key from now on. */
  bind(keyUri: string, resourceUri: string): Promise<ContentKey>
  /** Keeps a key whose binding the realm confirmed on another way, inside a request to the core. */
  keepBound(key: ContentKey & { readonly resourceUri: string }): void
  /** One flight per key, then from memory. */
  retrieve(keyUri: string): Promise<ContentKey>
  /** As a compliance officer, for a person of the own organisation. Never kept. */
  retrieveOnBehalfOf(keyUri: string, userId: string): Promise<ContentKey>
  /** The key that was bound to a resource last. */
  newestOf(resourceUri: string): Promise<ContentKey | undefined>
  /** All keys of a resource, oldest first. */
  ofResource(resourceUri: string): Promise<readonly ContentKey[]>
  /** Forgets unbound keys: the realm may have forgotten them too. */
  dropUnbound(): void
  /** Forgets everything. */
  forget(): void
}

export interface KeysSettings {
  readonly channel: Asks
  readonly clock: ClientClock
  readonly receipts: Receipts
  /** How many unbound keys are asked for at a time. */
  readonly poolSize: number
}

interface Pooled {
  readonly key: ContentKey
  readonly until: number
}

const KEPT_MAX = 10_000
/** Unbound keys are not used in their last minute: binding takes time. */
const MARGIN_MS = 60_000
const MOVED = 301002

export const createKeys = ({ channel, clock, poolSize, receipts }: KeysSettings): Keys => {
  /** It has arrived here. */
  const received = (key: ContentKey): ContentKey => {
    receipts.note(key.uri, 'receive')
    return key
  }

  let pool: Pooled[] = []
  const kept = new Map<string, Promise<ContentKey>>()

  const keep = (key: ContentKey): ContentKey => {
    if (kept.size >= KEPT_MAX) {
      for (const oldest of kept.keys()) {
        kept.delete(oldest)
        break
      }
    }
    kept.set(key.uri, Promise.resolve(key))
    return key
  }

  const fillPool = async (): Promise<void> => {
    const request: KmsRequest = { method: 'create', uri: '/keys', members: { count: poolSize } }
    const answer = await channel.ask(request)
    const fresh = listMember(answer, 'keys').map((raw) => ({
      key: received(readKey(raw)),
      until: bindBy(raw),
    }))
    pool = [...pool, ...fresh]
  }

  const takePooled = (): ContentKey | undefined => {
    pool = pool.filter(({ until }) => until - MARGIN_MS > clock.now())
    return pool.shift()?.key
  }

  const takeUnbound = async (): Promise<ContentKey> => {
    const pooled = takePooled()
    if (pooled !== undefined) return pooled
    await fillPool()
    const fresh = takePooled()
    if (fresh === undefined) throw new ClientError('client.invalid-answer', 'keys')
    return fresh
  }

  const bind = async (keyUri: string, resourceUri: string): Promise<ContentKey> => {
    const answer = await channel.ask({ method: 'update', uri: keyUri, members: { resourceUri } })
    return keep(received(readKey(objectMember(answer, 'key'), keyUri)))
  }

  const retrieve = (keyUri: string): Promise<ContentKey> => {
    const known = kept.get(keyUri)
    if (known !== undefined) return known
    const flight = fetchKey(channel, { method: 'retrieve', uri: keyUri }).then(received)
    kept.set(keyUri, flight)
    // An unbound or refused key may be another matter in a moment.
    flight.then(
      (key) => (key.resourceUri === undefined ? kept.delete(keyUri) : keep(key)),
      () => kept.delete(keyUri),
    )
    return flight
  }

  const fetchAll = async (resourceUri: string, members: JsonObject) => {
    const answer = await channel.ask({ method: 'retrieve', uri: `${resourceUri}/keys`, members })
    return listMember(answer, 'keys').map((raw) => keep(received(readKey(raw))))
  }

  return {
    takeUnbound,
    bind,
    keepBound: keep,
    retrieve,
    retrieveOnBehalfOf: (keyUri, userId) =>
      fetchKey(channel, { method: 'retrieve', uri: keyUri, onBehalfOf: userId }).then(received),
    newestOf: async (resourceUri) => (await fetchAll(resourceUri, { count: 1 })).at(-1),
    ofResource: (resourceUri) => fetchAll(resourceUri, {}),
    dropUnbound() {
      pool = []
    },
    forget() {
      pool = []
      kept.clear()
    },
  }
}

/** Follows one redirect (observed of real clients: errorCode 301002 names where the key is now). */
async function fetchKey(channel: Asks, request: KmsRequest): Promise<ContentKey> {
  try {
    return readKey(objectMember(await channel.ask(request), 'key'), request.uri)
  } catch (error) {
    const isMoved = error instanceof KmsRefused && error.errorCode === MOVED
    if (!isMoved || error.redirectUri === undefined) throw error
    const uri = error.redirectUri
    return readKey(objectMember(await channel.ask({ ...request, uri }), 'key'), uri)
  }
}

/** Throws `client.invalid-answer` unless it is a 256-bit key, and the one that was asked for. */
function readKey(raw: JsonObject, askedUri?: string): ContentKey {
  const uri = textMember(raw, 'uri')
  const { kty, k } = objectMember(raw, 'jwk')
  const bytes = kty === 'oct' && typeof k === 'string' ? decodeKey(k) : undefined
  if (bytes?.length !== 32) throw new ClientError('client.invalid-answer', 'key.jwk')
  if (askedUri !== undefined && uri !== askedUri)
    throw new ClientError('client.invalid-answer', 'key.uri')
  const { resourceUri } = raw
  if (typeof resourceUri !== 'string') return { uri, bytes }
  const boundAtMs = Date.parse(String(raw['bindDate']))
  return Number.isNaN(boundAtMs)
    ? { uri, bytes, resourceUri }
    : { uri, bytes, resourceUri, boundAtMs }
}

function decodeKey(k: string): Uint8Array | undefined {
  try {
    return base64url.decode(k)
  } catch {
    return undefined
  }
}

function bindBy(raw: JsonObject): number {
  const parsed = Date.parse(textMember(raw, 'expirationDate'))
  return Number.isNaN(parsed) ? 0 : parsed
}
