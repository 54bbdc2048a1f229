// What a peer answered, held against what it was asked: other URIs, other resources, more or fewer answers, keys that are no keys
// are all `federation.answer-wrong`. Only members that are understood go on.

import { decodeB64u, SecretBytes } from '../crypto/index.ts'
import { parseClientId, parseUserId, type ResourceUri } from '../id.ts'
import {
  type Granted,
  isDenial,
  NOT_PINNED,
  type PeerAsk,
  type Told,
  type ToldKey,
} from '../kms/index.ts'
import {
  hostOf,
  parseAuthId,
  parseKeyUri,
  parseResourceUri,
  parseTarget,
  urisOf,
} from '../protocol/index.ts'
import { isRefusal, type Refusal, type RefusalCode, refuse } from '../refusal.ts'
import { parseRfc3339 } from '../time.ts'

type Json = Readonly<Record<string, unknown>>

const KEY_BYTES = 32
/** What our own answers are bounded by, too. */
const KEYS_MAX = 2500
const URIS_MAX = 15_000
const AUTHORIZATIONS_MAX = 3000

const wrong = (about: string): Refusal => refuse('federation.answer-wrong', about)

export const asJson = (raw: unknown): Json =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? (raw as Json) : {}

const secretOf = (raw: unknown, uri: string): SecretBytes | undefined => {
  const { kty, kid, k } = asJson(raw)
  if (kty !== 'oct' || kid !== uri || typeof k !== 'string') return undefined
  const bytes = decodeB64u(k)
  return bytes?.length === KEY_BYTES ? SecretBytes.from(bytes) : undefined
}

/** A key of the peer's, bound to a resource of the peer's, or to the one of ours for which we vouched. */
const parseKey = (raw: unknown, { domain, vouchedFor }: PeerAsk): ToldKey | undefined => {
  const json = asJson(raw)
  const uri = parseKeyUri(json['uri'], urisOf(domain))
  const named = json['resourceUri']
  const resourceUri: ResourceUri | Refusal =
    vouchedFor !== undefined && named === vouchedFor
      ? vouchedFor
      : parseResourceUri(named, urisOf(domain))
  if (isRefusal(uri) || isRefusal(resourceUri)) return undefined
  const createdBy = parseUserId(json['userId'])
  const clientId = parseClientId(json['clientId'])
  const createdAt = parseRfc3339(json['createDate'])
  const boundAt = parseRfc3339(json['bindDate'])
  const secret = secretOf(json['jwk'], uri)
  const isWhole = createdBy && clientId && createdAt !== undefined && boundAt !== undefined
  if (!isWhole || secret === undefined) return undefined
  return { uri, resourceUri, createdBy, clientId, createdAt, boundAt, secret }
}

const grantedKey = (status: number, answer: Json, ask: PeerAsk): Granted | Refusal => {
  const key = parseKey(answer['key'], ask)
  const isAsked = ask.operation.name === 'retrieve-key' && key?.uri === ask.operation.uri
  return isAsked && key !== undefined ? { status, keys: [key], members: {} } : wrong('key')
}

const grantedKeys = (
  status: number,
  answer: Json,
  ask: PeerAsk,
  resourceUri: ResourceUri,
): Granted | Refusal => {
  const raw = answer['keys']
  if (!Array.isArray(raw) || raw.length > KEYS_MAX) return wrong('keys')
  const keys = raw.flatMap((one) => parseKey(one, ask) ?? [])
  const isAsked = keys.length === raw.length && keys.every((key) => key.resourceUri === resourceUri)
  const isEachOnce = new Set(keys.map(({ uri }) => uri)).size === keys.length
  return isAsked && isEachOnce ? { status, keys, members: {} } : wrong('keys')
}

/** An authorization of that resource; its members as they are read by real clients. */
const authorization = (raw: unknown, domain: string, resourceUri?: ResourceUri) => {
  const json = asJson(raw)
  const uris = urisOf(domain)
  const target = parseTarget(json['uri'], uris)
  const of = parseResourceUri(json['resourceUri'], uris)
  const authId = parseAuthId(json['authId'], uris)
  const createDate = parseRfc3339(json['createDate'])
  const { roleUri, expirationDate } = json
  if (isRefusal(target) || target.kind !== 'authorization' || isRefusal(of)) return undefined
  const isRole = typeof roleUri === 'string' && /^kms:\/\/[^/]+\/roles\/[a-z]{1,32}$/.test(roleUri)
  if (isRefusal(authId) || createDate === undefined || !isRole) return undefined
  if (resourceUri !== undefined && of !== resourceUri) return undefined
  const ends = expirationDate === undefined ? {} : { expirationDate: String(expirationDate) }
  if (expirationDate !== undefined && parseRfc3339(expirationDate) === undefined) return undefined
  return {
    ...{ uri: target.uri, authId, resourceUri: of, roleUri },
    ...{ createDate: String(json['createDate']), ...ends },
  }
}

const grantedAuthorizations = (
  status: number,
  answer: Json,
  { domain }: PeerAsk,
  resourceUri?: ResourceUri,
): Granted | Refusal => {
  const raw = answer['authorizations']
  if (!Array.isArray(raw) || raw.length > AUTHORIZATIONS_MAX) return wrong('authorizations')
  const list = raw.flatMap((one) => authorization(one, domain, resourceUri) ?? [])
  if (list.length !== raw.length) return wrong('authorizations')
  const single = 'authorization' in answer && list.length === 1 ? { authorization: list[0] } : {}
  return { status, keys: [], members: { authorizations: list, ...single } }
}

const grantedAuthorization = (status: number, answer: Json, { domain, operation }: PeerAsk) => {
  const one = authorization(answer['authorization'], domain)
  const isAsked = operation.name === 'retrieve-authorization' && one?.uri === operation.uri
  return isAsked ? { status, keys: [], members: { authorization: one } } : wrong('authorization')
}

/** Keys of a resource may be of any realm; its authorizations are of its own. */
const grantedResource = (
  status: number,
  answer: Json,
  domain: string,
  uri: ResourceUri,
): Granted | Refusal => {
  const { keyUris, authorizationUris, ...json } = asJson(answer['resource'])
  const isKey = (raw: unknown) =>
    typeof raw === 'string' && !isRefusal(parseKeyUri(raw, urisOf(hostOf(raw))))
  const isAuthorization = (raw: unknown) => {
    const target = parseTarget(raw, urisOf(domain))
    return !isRefusal(target) && target.kind === 'authorization'
  }
  if (json['uri'] !== uri || !Array.isArray(keyUris) || !Array.isArray(authorizationUris)) {
    return wrong('resource')
  }
  if (keyUris.length + authorizationUris.length > URIS_MAX) return wrong('resource')
  const isWhole = keyUris.every(isKey) && authorizationUris.every(isAuthorization)
  if (!isWhole) return wrong('resource')
  const ends = parseRfc3339(json['expirationDate'])
  const expirationDate = ends === undefined ? {} : { expirationDate: json['expirationDate'] }
  const resource = { uri, keyUris, authorizationUris, ...expirationDate }
  return { status, keys: [], members: { resource } }
}

const grantedBind = (status: number, answer: Json, { operation }: PeerAsk): Granted | Refusal => {
  const { uri, resourceUri } = asJson(answer['key'])
  const isAsked =
    operation.name === 'bind-key' && uri === operation.uri && resourceUri === operation.resourceUri
  return isAsked ? { status, keys: [], members: {} } : wrong('key')
}

const granted = (status: number, answer: Json, ask: PeerAsk): Granted | Refusal => {
  const { operation, domain } = ask
  switch (operation.name) {
    case 'retrieve-key':
      return grantedKey(status, answer, ask)
    case 'retrieve-keys':
      return grantedKeys(status, answer, ask, operation.uri)
    case 'retrieve-resource':
      return grantedResource(status, answer, domain, operation.uri)
    case 'retrieve-authorizations':
    case 'delete-authorizations':
      return grantedAuthorizations(status, answer, ask, operation.uri)
    case 'create-authorizations':
      return grantedAuthorizations(status, answer, ask, operation.resourceUri)
    case 'delete-authorization':
      return grantedAuthorizations(status, answer, ask)
    case 'retrieve-authorization':
      return grantedAuthorization(status, answer, ask)
    case 'bind-key':
      return grantedBind(status, answer, ask)
    default:
      return wrong('operation')
  }
}

type Answered = Pick<Told, 'result' | 'through'>

const WAYS_MOST = 16

/** Resources of ours, the peer says, lead into the room that it keeps shut. */
const waysIn = ({ through }: Json, own: string): Pick<Told, 'through'> => {
  if (!Array.isArray(through) || through.length > WAYS_MOST) return {}
  const ways = through.flatMap((raw) => {
    const uri = parseResourceUri(raw, urisOf(own))
    return isRefusal(uri) ? [] : [uri]
  })
  return ways.length === 0 ? {} : { through: ways }
}

const parseOne = (raw: unknown, ask: PeerAsk, own: string): Answered => {
  const answer = asJson(raw)
  const result = resultOf(answer, ask)
  const isDenied = isRefusal(result) && isDenial(result)
  return { result, ...(isDenied ? waysIn(answer, own) : {}) }
}

/** Of all that a home may say of a refusal, the one word that is about us alone. */
const denialOf = ({ code }: Json): RefusalCode =>
  code === NOT_PINNED ? 'federation.not-pinned-at-home' : 'federation.denied-by-home'

/** A peer that is locked or broken has said neither yes nor no. */
const resultOf = (answer: Json, ask: PeerAsk): Granted | Refusal => {
  const { status } = answer
  if (typeof status !== 'number' || !Number.isInteger(status)) return wrong('status')
  if (status >= 200 && status < 300) return granted(status, answer, ask)
  if (status === 429) return refuse('federation.peer-busy', ask.domain)
  if (status >= 400 && status < 500) return refuse(denialOf(answer), ask.domain)
  return refuse('federation.peer-broken', ask.domain)
}

/** What became of each question of a batch, in order. */
export const parseAnswers = (
  body: unknown,
  asks: readonly PeerAsk[],
  own: string,
): readonly Answered[] => {
  const { answers } = asJson(body)
  if (!Array.isArray(answers) || answers.length !== asks.length) {
    return asks.map(() => ({ result: wrong('answers') }))
  }
  return asks.map((ask, index) => parseOne(answers[index], ask, own))
}
