// `kms://HOST/...` URIs: parse, print, and who is home (draft §4.4). Absolute and relative forms are
// accepted; only absolute ones are ever printed. Nothing is repaired: upper case, ports, fragments,
// dot segments and encodings that a UUID does not need are refused.

import {
  type AuthId,
  type AuthorizationUri,
  isUuid,
  type KeyUri,
  parseUserId,
  type ResourceUri,
  type SessionUri,
} from '../id.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'

const URI_MAX_CHARS = 2048

/** The URIs of one home, printed from a UUID. */
export interface Uris {
  readonly home: string
  key(uuid: string): KeyUri
  resource(uuid: string): ResourceUri
  authorization(uuid: string): AuthorizationUri
  session(uuid: string): SessionUri
}

export const urisOf = (host: string): Uris => {
  const home = `kms://${host}`
  return {
    home,
    key: (uuid) => `${home}/keys/${uuid}` as KeyUri,
    resource: (uuid) => `${home}/resources/${uuid}` as ResourceUri,
    authorization: (uuid) => `${home}/authorizations/${uuid}` as AuthorizationUri,
    session: (uuid) => `${home}/ecdhe/${uuid}` as SessionUri,
  }
}

/** What a URI names. */
export type Target =
  | { readonly kind: 'ping' | 'keys' | 'resources' | 'authorizations' | 'sessions' }
  | { readonly kind: 'receipts' }
  | { readonly kind: 'key'; readonly uri: KeyUri }
  | { readonly kind: 'resource'; readonly uri: ResourceUri }
  | { readonly kind: 'keys-of-resource'; readonly uri: ResourceUri }
  | {
      readonly kind: 'authorizations-of-resource'
      readonly uri: ResourceUri
      readonly authId?: AuthId
    }
  | { readonly kind: 'authorization'; readonly uri: AuthorizationUri }
  | { readonly kind: 'session'; readonly uri: SessionUri }
  | { readonly kind: 'customer-key' }

interface Split {
  readonly segments: readonly string[]
  readonly query: string | undefined
}

const splitUri = (raw: string, home: string): Split | Refusal => {
  if (raw.length > URI_MAX_CHARS || !/^[\x21-\x7e]+$/.test(raw) || raw.includes('#')) {
    return refuse('request.invalid-uri')
  }
  let path = raw
  const authority = /^kms:\/\/([^/?]*)/i.exec(raw)
  if (authority !== null) {
    const host = `kms://${(authority[1] ?? '').toLowerCase()}`
    if (host !== home) return refuse('request.foreign-host')
    path = raw.slice(authority[0].length)
  }
  if (!path.startsWith('/')) return refuse('request.invalid-uri')
  const mark = path.indexOf('?')
  const bare = mark === -1 ? path : path.slice(0, mark)
  return {
    segments: bare.slice(1).split('/'),
    query: mark === -1 ? undefined : path.slice(mark + 1),
  }
}

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
/** A DNS name of two labels or more that is no IPv4 address. Whether anybody answers there is another question. */
const OTHER_HOME = new RegExp(`^kms://((?:${LABEL}\\.)+(?=[a-z0-9-]*[a-z])${LABEL})(?=/)`, 'i')

/** The URIs of the realm that an absolute URI names; ours for everything else. */
export const urisNamedBy = (raw: unknown, uris: Uris): Uris => {
  const host = typeof raw === 'string' ? OTHER_HOME.exec(raw)?.[1]?.toLowerCase() : undefined
  return host === undefined || `kms://${host}` === uris.home ? uris : urisOf(host)
}

/** Does this printed URI belong to another realm? */
export const isForeign = (uri: string, { home }: Uris): boolean => !uri.startsWith(`${home}/`)

/** The host of a printed URI. */
export const hostOf = (uri: string): string => uri.slice('kms://'.length).split('/', 1)[0] ?? ''

const COLLECTIONS: Readonly<Record<string, Target>> = {
  ping: { kind: 'ping' },
  keys: { kind: 'keys' },
  resources: { kind: 'resources' },
  authorizations: { kind: 'authorizations' },
  ecdhe: { kind: 'sessions' },
  // Not in the draft: what clients say that they did with keys.
  receipts: { kind: 'receipts' },
  // Customer main keys (BYOK): understood, so that the answer can be "not supported".
  publicKey: { kind: 'customer-key' },
  cmk: { kind: 'customer-key' },
  awsKmsCmk: { kind: 'customer-key' },
}

const memberTarget = (collection: string, uuid: string, uris: Uris): Target | undefined => {
  switch (collection) {
    case 'keys':
      return { kind: 'key', uri: uris.key(uuid) }
    case 'resources':
      return { kind: 'resource', uri: uris.resource(uuid) }
    case 'authorizations':
      return { kind: 'authorization', uri: uris.authorization(uuid) }
    case 'ecdhe':
      return { kind: 'session', uri: uris.session(uuid) }
    case 'cmk':
    case 'awsKmsCmk':
      return { kind: 'customer-key' }
    default:
      return undefined
  }
}

const authIdOfQuery = (query: string, uris: Uris): AuthId | Refusal => {
  const found = /^authId=([^&=]+)$/.exec(query)
  if (found?.[1] === undefined) return refuse('request.invalid-uri')
  try {
    return parseAuthId(decodeURIComponent(found[1]), uris)
  } catch {
    return refuse('request.invalid-uri')
  }
}

const ofResource = (uuid: string, sub: string, query: string | undefined, uris: Uris) => {
  const uri = uris.resource(uuid)
  if (sub === 'keys' && query === undefined) return { kind: 'keys-of-resource', uri } as const
  if (sub !== 'authorizations') return refuse('request.invalid-uri')
  if (query === undefined) return { kind: 'authorizations-of-resource', uri } as const
  const authId = authIdOfQuery(query, uris)
  return isRefusal(authId) ? authId : ({ kind: 'authorizations-of-resource', uri, authId } as const)
}

/**
 * What `raw` names at `uris.home`, or `request.invalid-uri`, `request.invalid-id`,
 * `request.foreign-host` (another realm's).
 */
export const parseTarget = (raw: unknown, uris: Uris): Target | Refusal => {
  if (typeof raw !== 'string') return refuse('request.invalid-uri')
  // Observed of real clients: customer-key activation sends the bare word `default` as its URI.
  if (raw === 'default') return { kind: 'customer-key' }
  const split = splitUri(raw, uris.home)
  if (isRefusal(split)) return split
  const [collection = '', uuid, sub, ...rest] = split.segments
  if (rest.length > 0 || !Object.hasOwn(COLLECTIONS, collection))
    return refuse('request.invalid-uri')
  if (uuid === undefined) {
    const target = COLLECTIONS[collection]
    return split.query === undefined && target !== undefined
      ? target
      : refuse('request.invalid-uri')
  }
  if (!isUuid(uuid)) return refuse('request.invalid-id')
  if (sub !== undefined) {
    return collection === 'resources'
      ? ofResource(uuid, sub, split.query, uris)
      : refuse('request.invalid-uri')
  }
  if (split.query !== undefined) return refuse('request.invalid-uri')
  return memberTarget(collection, uuid, uris) ?? refuse('request.invalid-uri')
}

export const parseKeyUri = (raw: unknown, uris: Uris): KeyUri | Refusal => {
  const target = parseTarget(raw, uris)
  if (isRefusal(target)) return target
  return target.kind === 'key' ? target.uri : refuse('request.invalid-uri')
}

export const parseResourceUri = (raw: unknown, uris: Uris): ResourceUri | Refusal => {
  const target = parseTarget(raw, uris)
  if (isRefusal(target)) return target
  return target.kind === 'resource' ? target.uri : refuse('request.invalid-uri')
}

/**
 * A user id, a resource's URI ("whoever is authorised there"), or an anonymous authorization's own. The resource may be another
 * realm's (draft §4.4.2).
 */
export const parseAuthId = (raw: unknown, uris: Uris): AuthId | Refusal => {
  const userId = parseUserId(raw)
  if (userId !== undefined) return userId
  if (typeof raw !== 'string' || !/^(kms:)?\//i.test(raw)) return refuse('request.invalid-id')
  const named = urisNamedBy(raw, uris)
  const target = parseTarget(raw, named)
  if (isRefusal(target)) return target
  if (named !== uris && target.kind !== 'resource') return refuse('request.foreign-host')
  return target.kind === 'resource' || target.kind === 'authorization'
    ? target.uri
    : refuse('request.invalid-id')
}
