// Raw JSON → one typed request, or a Refusal (draft §4.6.1). Nothing is believed here about who asks:
// `credential.userId` is a claim that the bearer token overrules. Unknown members are refused, because
// one that we ignored could be a limit that the sender relies on.

import { type ClientId, parseClientId, parseUserId, type UserId } from '../id.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { METHODS, type Method, type Operation, type RawObject } from './operation.ts'
import { OPERATION_PARSERS } from './operations.ts'
import { parseTarget, type Target, type Uris, urisNamedBy } from './uri.ts'

export interface Request {
  readonly requestId: string
  readonly method: Method
  /** As sent; for the answer's reason and the audit entry. */
  readonly uri: string
  readonly clientId: ClientId | undefined
  /** The access token. Never logged, never stored. */
  readonly bearer: string | undefined
  readonly onBehalfOf: UserId | undefined
  readonly operation: Operation
  /** `kms://HOST` of the realm that decides: the home of the resource or key that it is about. */
  readonly home: string
}

/** A refused request, with as much of it as was understood: an answer needs its requestId. */
export interface Unparsed {
  readonly refusal: Refusal
  readonly requestId: string | undefined
  readonly method: string | undefined
  readonly uri: string | undefined
}

const asObject = (raw: unknown): RawObject | undefined =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? (raw as RawObject) : undefined

const REQUEST_ID_MAX_CHARS = 256
/** Opaque, but text: what a database cannot store verbatim could make two ids one. */
const REQUEST_ID = /^[^\p{Cc}\p{Cs}]+$/u
const BEARER_MAX_CHARS = 64 * 1024
const COMMON = new Set(['requestId', 'method', 'uri', 'client'])
const CLIENT = new Set(['clientId', 'credential'])
/** `jwk`: the draft's server credential (draft §4.2); no client sends it, and it is not trusted. */
const CREDENTIAL = new Set(['userId', 'bearer', 'onBehalfOf'])

const unknownMember = (raw: RawObject, known: ReadonlySet<string>): Refusal | undefined => {
  const unknown = Object.keys(raw).find((name) => !known.has(name))
  return unknown === undefined
    ? undefined
    : refuse('request.unknown-member', unknown.slice(0, 64).replace(/[^\w.-]/g, '?'))
}

interface Client {
  readonly clientId: ClientId | undefined
  readonly bearer: string | undefined
  readonly onBehalfOf: UserId | undefined
}

const parseBearer = (raw: unknown): string | undefined | Refusal => {
  if (raw === undefined || raw === null || raw === '') return undefined
  if (typeof raw !== 'string' || raw.length > BEARER_MAX_CHARS) {
    return refuse('request.invalid', 'client.credential.bearer')
  }
  return raw.startsWith('Bearer ') ? raw.slice('Bearer '.length) : raw
}

const parseClient = (raw: unknown): Client | Refusal => {
  const client = asObject(raw)
  if (client === undefined) return refuse('request.invalid', 'client')
  const credential = client['credential'] === undefined ? {} : asObject(client['credential'])
  if (credential === undefined) return refuse('request.invalid', 'client.credential')
  const unknown = unknownMember(client, CLIENT) ?? unknownMember(credential, CREDENTIAL)
  if (unknown !== undefined) return unknown
  const rawClientId = client['clientId']
  const clientId = rawClientId === undefined ? undefined : parseClientId(rawClientId)
  if (rawClientId !== undefined && clientId === undefined) {
    return refuse('request.invalid', 'client.clientId')
  }
  const bearer = parseBearer(credential['bearer'])
  if (isRefusal(bearer)) return bearer
  const rawFor = credential['onBehalfOf'] ?? undefined
  const onBehalfOf = rawFor === undefined ? undefined : parseUserId(rawFor)
  if (rawFor !== undefined && onBehalfOf === undefined) {
    return refuse('request.invalid-id', 'client.credential.onBehalfOf')
  }
  return { clientId, bearer, onBehalfOf }
}

const isMethod = (raw: unknown): raw is Method => METHODS.some((method) => method === raw)

const parseOperation = (raw: RawObject, method: Method, target: Target, uris: Uris) => {
  const parser = OPERATION_PARSERS[`${method} ${target.kind}`]
  if (parser === undefined) return refuse('request.unknown-operation', `${method} ${target.kind}`)
  const unknown =
    target.kind === 'customer-key'
      ? undefined
      : unknownMember(raw, new Set([...COMMON, ...parser.members]))
  return unknown ?? parser.parse(raw, target, uris)
}

const parseRequestId = (raw: unknown): string | undefined =>
  typeof raw === 'string' && raw.length <= REQUEST_ID_MAX_CHARS && REQUEST_ID.test(raw)
    ? raw
    : undefined

/** One typed request, or why not. It may be about another realm: see `home`. `raw` is any JSON value; nothing in it has been verified. */
export const parseRequest = (raw: unknown, uris: Uris): Request | Unparsed => {
  const object = asObject(raw) ?? {}
  const requestId = parseRequestId(object['requestId'])
  const rawMethod = object['method']
  const uri = typeof object['uri'] === 'string' ? object['uri'] : undefined
  const method = isMethod(rawMethod) ? rawMethod : undefined
  const unparsed = (refusal: Refusal): Unparsed => ({ refusal, requestId, method, uri })
  if (requestId === undefined) return unparsed(refuse('request.invalid', 'requestId'))
  if (method === undefined) return unparsed(refuse('request.invalid', 'method'))
  const place = urisNamedBy(object['uri'], uris)
  // Authorizations are made, and keys are bound, where the resource is.
  const home =
    object['resourceUri'] === undefined ? place : urisNamedBy(object['resourceUri'], uris)
  const target = parseTarget(object['uri'], place)
  if (isRefusal(target)) return unparsed(target)
  const client = parseClient(object['client'])
  if (isRefusal(client)) return unparsed(client)
  const operation = parseOperation(object, method, target, home)
  if (isRefusal(operation)) return unparsed(operation)
  return { requestId, method, uri: uri ?? '', ...client, operation, home: home.home }
}

export const isUnparsed = (parsed: Request | Unparsed): parsed is Unparsed => 'refusal' in parsed
