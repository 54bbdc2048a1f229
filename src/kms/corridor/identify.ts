// Opened text → a case: parse it, learn who asks from the bearer token alone, and hold both against
// the session. What the request says of its sender is never believed.

import type { Random } from '../../crypto/index.ts'
import type { AuthId, ClientId } from '../../id.ts'
import type { Authenticator, Principal } from '../../identity/index.ts'
import {
  agreeChannel,
  isForeign,
  isUnparsed,
  parseRequest,
  parseStrictJson,
  type Request,
  type Uris,
} from '../../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../../refusal.ts'
import { ownSubject, subjectOf } from '../access/on-behalf.ts'
import type { ForeignHome } from '../foreign/foreign.ts'
import type { Agreement } from '../operations/create-session.ts'
import type { Session } from '../session.ts'
import type { KmsSettings } from '../settings.ts'
import type { Asked, Case, Received, Turned } from './case.ts'
import type { OpenChannel, Opened } from './doorway.ts'

export interface IdentifyParts {
  readonly settings: KmsSettings
  readonly uris: Uris
  readonly random: Random
  readonly authenticator: Authenticator
  readonly foreign?: ForeignHome
}

const sessionOf = (channel: OpenChannel): Session | undefined =>
  channel.kind === 'session' ? channel.live.session : undefined

/** A handshake makes a session and does nothing else; a session makes no other. */
const channelRefusal = (request: Request, channel: OpenChannel): Refusal | undefined => {
  const makesSession = request.operation.name === 'create-session'
  if (channel.kind === 'handshake') {
    return makesSession ? undefined : refuse('identity.session-required')
  }
  return makesSession ? refuse('request.unknown-operation') : undefined
}

const sessionRefusal = (
  session: Session | undefined,
  request: Request,
  by: Principal,
): Refusal | undefined => {
  if (session === undefined) return undefined
  if (session.principalId !== ownSubject(by)) return refuse('identity.other-user')
  const isOther = request.clientId !== undefined && request.clientId !== session.clientId
  return isOther ? refuse('identity.other-device') : undefined
}

const agree = (parts: IdentifyParts, request: Request): Agreement | undefined | Refusal => {
  if (request.operation.name !== 'create-session') return undefined
  const agreed = agreeChannel(request.operation.rawJwk, parts.random)
  if (isRefusal(agreed)) return agreed
  return { sessionUri: parts.uris.session(parts.random.uuid()), ...agreed }
}

const parse = (parts: IdentifyParts, opened: Opened, turned: Turned): Request | Turned => {
  const json = parseStrictJson(opened.text)
  if (isRefusal(json)) return { ...turned, refusal: json }
  const parsed = parseRequest(json.value, parts.uris)
  if (!isUnparsed(parsed)) return parsed
  const { refusal, requestId, method, uri } = parsed
  return {
    ...turned,
    refusal,
    ...(requestId === undefined ? {} : { requestId }),
    ...(method === undefined ? {} : { method }),
    ...(uri === undefined ? {} : { uri }),
  }
}

const isForeignResource = (authId: AuthId, uris: Uris): boolean =>
  authId.startsWith('kms:') && isForeign(authId, uris)

/** Of another realm, and this one works alone. */
const isElsewhere = ({ home, operation }: Request, { uris, foreign }: IdentifyParts): boolean =>
  foreign === undefined &&
  (home !== uris.home ||
    (operation.name === 'bind-key' && isForeign(operation.uri, uris)) ||
    ('authIds' in operation && operation.authIds.some((authId) => isForeignResource(authId, uris))))

type Refused = Pick<Turned, 'refusal' | 'by' | 'onBehalfOf'>

/** Everything that can refuse a parsed request before the transaction, in order. */
const admit = async (
  parts: IdentifyParts,
  request: Request,
  { channel }: Opened,
  received: Received,
): Promise<Asked | Refused> => {
  const session = sessionOf(channel)
  const clientId: ClientId | undefined = session?.clientId ?? request.clientId
  if (clientId === undefined) return { refusal: refuse('request.invalid', 'client.clientId') }
  if (isElsewhere(request, parts)) return { refusal: refuse('request.foreign-host') }
  const misplaced = channelRefusal(request, channel)
  if (misplaced !== undefined) return { refusal: misplaced }
  const by = await parts.authenticator.authenticate(request.bearer, {
    patience: parts.settings.identityPatience,
  })
  if (isRefusal(by)) return { refusal: by }
  const other = sessionRefusal(session, request, by)
  if (other !== undefined) return { refusal: other, by }
  const role = parts.settings.complianceRole
  const { onBehalfOf } = request
  const subject = subjectOf(by, onBehalfOf, request.operation.name, role)
  if (isRefusal(subject)) {
    return { refusal: subject, by, ...(onBehalfOf === undefined ? {} : { onBehalfOf }) }
  }
  const agreement = agree(parts, request)
  if (isRefusal(agreement)) return { refusal: agreement, by }
  return {
    received,
    request,
    by,
    subject,
    clientId,
    ...(session === undefined ? {} : { session }),
    ...(agreement === undefined ? {} : { agreement }),
  }
}

export const identify = async (
  parts: IdentifyParts,
  opened: Opened,
  received: Received,
): Promise<Case> => {
  const session = sessionOf(opened.channel)
  const turned: Turned = {
    received,
    refusal: refuse('request.invalid'),
    ...(session === undefined ? {} : { sessionUri: session.uri, clientId: session.clientId }),
  }
  const request = parse(parts, opened, turned)
  if ('refusal' in request) return request
  const admitted = await admit(parts, request, opened, received)
  if (!('refusal' in admitted)) return admitted
  const { requestId, method, uri } = request
  const clientId = session?.clientId ?? request.clientId
  return {
    ...turned,
    ...admitted,
    requestId,
    method,
    uri,
    ...(clientId === undefined ? {} : { clientId }),
  }
}
