// One row per operation: which members a request may carry and how they are read (draft §4.7).
// Where draft and clients differ both spellings are accepted: `userIds` and `authIds`.

import type { AuthId, KeyUri, ResourceUri } from '../id.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { type Instant, parseRfc3339 } from '../time.ts'
import type { KeyFilter, NewAuthorizations, Operation, RawObject, RoleName } from './operation.ts'
import { parseReceipts } from './receipts.ts'
import { parseAuthId, parseKeyUri, parseResourceUri, type Target, type Uris } from './uri.ts'

interface OperationParser {
  readonly members: readonly string[]
  parse(raw: RawObject, target: Target, uris: Uris): Operation | Refusal
}

/** Hard limits of one request; the settings may ask for less. */
const KEYS_PER_REQUEST = 1000
const AUTHORIZATIONS_PER_REQUEST = 2000
const TTL_MAX_SECONDS = 100 * 366 * 24 * 3600

const wrongTarget = (): Refusal => refuse('request.unknown-operation')

const parseCount = (raw: unknown, name: string, least: number, most: number): number | Refusal =>
  typeof raw === 'number' && Number.isInteger(raw) && raw >= least && raw <= most
    ? raw
    : refuse('request.invalid-count', name)

const optionalCount = (raw: unknown, name: string, most: number): number | Refusal =>
  raw === undefined ? 0 : parseCount(raw, name, 0, most)

const parseList = <Item>(
  raw: unknown,
  name: string,
  most: number,
  parse: (item: unknown) => Item | Refusal,
): readonly Item[] | Refusal => {
  if (raw === undefined) return []
  if (!Array.isArray(raw)) return refuse('request.invalid', name)
  if (raw.length > most) return refuse('request.invalid-count', name)
  const list: Item[] = []
  const seen = new Set<Item>()
  for (const rawItem of raw) {
    const item = parse(rawItem)
    if (isRefusal(item)) return item
    if (!seen.has(item)) list.push(item)
    seen.add(item)
  }
  return list
}

/** Anonymous authorizations are never asked for by name. */
const parseGrantee = (raw: unknown, uris: Uris): AuthId | Refusal => {
  const authId = parseAuthId(raw, uris)
  if (isRefusal(authId)) return authId
  const isAnonymous = authId.startsWith(`${uris.home}/authorizations/`)
  return isAnonymous ? refuse('request.invalid-id') : authId
}

/** `userIds` and `authIds` together, each id once. */
const parseIds = (
  raw: RawObject,
  uris: Uris,
  parse: (item: unknown, uris: Uris) => AuthId | Refusal,
): readonly AuthId[] | Refusal => {
  const id = (item: unknown) => parse(item, uris)
  const userIds = parseList(raw['userIds'], 'userIds', AUTHORIZATIONS_PER_REQUEST, id)
  if (isRefusal(userIds)) return userIds
  const authIds = parseList(raw['authIds'], 'authIds', AUTHORIZATIONS_PER_REQUEST, id)
  if (isRefusal(authIds)) return authIds
  const both = [...new Set([...userIds, ...authIds])]
  return both.length > AUTHORIZATIONS_PER_REQUEST
    ? refuse('request.invalid-count', 'authIds')
    : both
}

const isRoleName = (raw: string): raw is RoleName =>
  raw === 'participant' || raw === 'moderator' || raw === 'agent'

const parseRole = (raw: unknown, uris: Uris): RoleName | Refusal => {
  if (raw === undefined) return 'participant'
  const uri = typeof raw === 'string' ? raw : ''
  const path = uri.startsWith(`${uris.home}/`) ? uri.slice(uris.home.length) : uri
  const name = /^\/roles\/([a-z]+)$/.exec(path)?.[1] ?? ''
  return isRoleName(name) ? name : refuse('request.invalid', 'roleUri')
}

const GRANT_MEMBERS = ['userIds', 'authIds', 'anonymous', 'roleUri', 'ttl']

const parseNewAuthorizations = (raw: RawObject, uris: Uris): NewAuthorizations | Refusal => {
  const authIds = parseIds(raw, uris, parseGrantee)
  if (isRefusal(authIds)) return authIds
  const anonymous = optionalCount(raw['anonymous'], 'anonymous', 100)
  if (isRefusal(anonymous)) return anonymous
  const role = parseRole(raw['roleUri'], uris)
  if (isRefusal(role)) return role
  const ttlSeconds = optionalCount(raw['ttl'], 'ttl', TTL_MAX_SECONDS)
  return isRefusal(ttlSeconds) ? ttlSeconds : { authIds, anonymous, role, ttlSeconds }
}

const parseCreateResource = (raw: RawObject, _target: Target, uris: Uris): Operation | Refusal => {
  const grants = parseNewAuthorizations(raw, uris)
  if (isRefusal(grants)) return grants
  const keyUris = parseList<KeyUri>(raw['keyUris'], 'keyUris', KEYS_PER_REQUEST, (item) =>
    parseKeyUri(item, uris),
  )
  return isRefusal(keyUris) ? keyUris : { name: 'create-resource', keyUris, ...grants }
}

const parseCreateAuthorizations = (raw: RawObject, _target: Target, uris: Uris) => {
  const resourceUri = parseResourceUri(raw['resourceUri'], uris)
  if (isRefusal(resourceUri)) return resourceUri
  const grants = parseNewAuthorizations(raw, uris)
  if (isRefusal(grants)) return grants
  if (grants.authIds.length + grants.anonymous === 0)
    return refuse('request.invalid-count', 'userIds')
  return { name: 'create-authorizations', resourceUri, ...grants } as const
}

const parseInstantMember = (raw: RawObject, name: string): Instant | undefined | Refusal => {
  if (raw[name] === undefined) return undefined
  return parseRfc3339(raw[name]) ?? refuse('request.invalid', name)
}

const parseFilter = (raw: RawObject): KeyFilter | Refusal => {
  const boundAfter = parseInstantMember(raw, 'boundAfter')
  if (isRefusal(boundAfter)) return boundAfter
  const boundBefore = parseInstantMember(raw, 'boundBefore')
  if (isRefusal(boundBefore)) return boundBefore
  const count =
    raw['count'] === undefined ? undefined : parseCount(raw['count'], 'count', 1, 100_000)
  if (isRefusal(count)) return count
  return {
    ...(boundAfter === undefined ? {} : { boundAfter }),
    ...(boundBefore === undefined ? {} : { boundBefore }),
    ...(count === undefined ? {} : { count }),
  }
}

/** Draft §4.7.11, in bulk. Its example omits the resource; without one "all of mine, anywhere" is too much to mean. */
const parseBulkDelete = (raw: RawObject, _target: Target, uris: Uris): Operation | Refusal => {
  const uri: ResourceUri | Refusal = parseResourceUri(raw['resourceUri'], uris)
  if (isRefusal(uri)) return uri
  const authIds = parseIds(raw, uris, parseAuthId)
  if (isRefusal(authIds)) return authIds
  if (authIds.length === 0) return refuse('request.invalid-count', 'authIds')
  return { name: 'delete-authorizations', uri, authIds }
}

const CUSTOMER_KEY: OperationParser = { members: [], parse: () => ({ name: 'customer-key' }) }

/** Keyed by method and kind of target; what is not here is `request.unknown-operation`. */
export const OPERATION_PARSERS: Readonly<Record<string, OperationParser>> = {
  'update ping': { members: [], parse: () => ({ name: 'ping' }) },
  'create sessions': {
    members: ['jwk'],
    parse: (raw) => ({ name: 'create-session', rawJwk: raw['jwk'] }),
  },
  'delete session': {
    members: [],
    parse: (_raw, target) =>
      target.kind === 'session' ? { name: 'delete-session', uri: target.uri } : wrongTarget(),
  },
  'create keys': {
    members: ['count'],
    parse: (raw) => {
      const count = parseCount(raw['count'], 'count', 1, KEYS_PER_REQUEST)
      return isRefusal(count) ? count : { name: 'create-keys', count }
    },
  },
  'retrieve key': {
    members: [],
    parse: (_raw, target) =>
      target.kind === 'key' ? { name: 'retrieve-key', uri: target.uri } : wrongTarget(),
  },
  'update key': {
    members: ['resourceUri'],
    parse: (raw, target, uris) => {
      const resourceUri = parseResourceUri(raw['resourceUri'], uris)
      if (isRefusal(resourceUri)) return resourceUri
      return target.kind === 'key'
        ? { name: 'bind-key', uri: target.uri, resourceUri }
        : wrongTarget()
    },
  },
  'create resources': { members: ['keyUris', ...GRANT_MEMBERS], parse: parseCreateResource },
  'retrieve resource': {
    members: [],
    parse: (_raw, target) =>
      target.kind === 'resource' ? { name: 'retrieve-resource', uri: target.uri } : wrongTarget(),
  },
  'retrieve keys-of-resource': {
    members: ['count', 'boundAfter', 'boundBefore'],
    parse: (raw, target) => {
      const filter = parseFilter(raw)
      if (isRefusal(filter)) return filter
      return target.kind === 'keys-of-resource'
        ? { name: 'retrieve-keys', uri: target.uri, filter }
        : wrongTarget()
    },
  },
  'create authorizations': {
    members: ['resourceUri', ...GRANT_MEMBERS],
    parse: parseCreateAuthorizations,
  },
  'retrieve authorizations-of-resource': {
    members: [],
    parse: (_raw, target) => {
      if (target.kind !== 'authorizations-of-resource') return wrongTarget()
      const { uri, authId } = target
      return { name: 'retrieve-authorizations', uri, ...(authId === undefined ? {} : { authId }) }
    },
  },
  'retrieve authorization': {
    members: [],
    parse: (_raw, target) =>
      target.kind === 'authorization'
        ? { name: 'retrieve-authorization', uri: target.uri }
        : wrongTarget(),
  },
  'delete authorization': {
    members: [],
    parse: (_raw, target) =>
      target.kind === 'authorization'
        ? { name: 'delete-authorization', uri: target.uri }
        : wrongTarget(),
  },
  'delete authorizations-of-resource': {
    members: [],
    parse: (_raw, target) =>
      target.kind === 'authorizations-of-resource' && target.authId !== undefined
        ? { name: 'delete-authorizations', uri: target.uri, authIds: [target.authId] }
        : wrongTarget(),
  },
  'delete authorizations': {
    members: ['resourceUri', 'authIds', 'userIds'],
    parse: parseBulkDelete,
  },
  'create receipts': { members: ['receipts'], parse: parseReceipts },
  'create customer-key': CUSTOMER_KEY,
  'retrieve customer-key': CUSTOMER_KEY,
  'update customer-key': CUSTOMER_KEY,
  'delete customer-key': CUSTOMER_KEY,
}
