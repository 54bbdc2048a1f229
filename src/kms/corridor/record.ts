// A concluded case → the act that the audit log keeps. Pure: pseudonyms are handed in.

import type { Act, Actor } from '../../audit/index.ts'
import { parseUserId, type UserId } from '../../id.ts'
import type { Principal } from '../../identity/index.ts'
import { isRefusal, type Refusal } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { ownSubject } from '../access/on-behalf.ts'
import type { Person } from '../person.ts'
import type { Answer } from './answer.ts'
import { type Asked, operationIdOf, type Received, type Turned } from './case.ts'
import type { Recorded, Verdict } from './operation.ts'

export type Pseudonyms = ReadonlyMap<UserId, Pick<Person, 'pseudonym'>>

const actorOf = (by: Principal | undefined, people: Pseudonyms): Actor => {
  if (by === undefined) return { kind: 'unknown' }
  if (by.kind === 'anonymous') return { kind: 'anonymous', id: by.authorizationUri }
  if (by.kind === 'peer') return { kind: 'peer', id: by.domain }
  const { kind } = by
  const known = people.get(by.userId)
  return known === undefined ? { kind } : { kind, id: known.pseudonym }
}

/** People become their pseudonyms; resources and anonymous authorizations are named by URI. */
const subjectsOf = (recorded: Recorded, people: Pseudonyms): readonly string[] | undefined =>
  recorded.subjects?.map((authId) => {
    const userId = parseUserId(authId)
    return userId === undefined ? authId : (people.get(userId)?.pseudonym ?? 'unknown')
  })

const verdictOf = (outcome: Answer | Refusal): Pick<Act, 'outcome' | 'code'> =>
  isRefusal(outcome) ? { outcome: 'refused', code: outcome.refused } : { outcome: 'done' }

const requestFacts = (asked: Asked) => ({
  method: asked.request.method,
  uri: withoutPeople(asked.request.uri),
  requestId: asked.request.requestId,
  clientId: asked.clientId,
  trackingId: asked.received.trackingId,
  sizeBytes: asked.received.sizeBytes,
  ...(asked.session === undefined ? {} : { session: asked.session.uri }),
  ...(asked.by.organizationId === undefined ? {} : { organizationId: asked.by.organizationId }),
})

/** Over which connections peers asked us, or we them. */
const withPeers = (details: Act['details'], { by, told }: Asked): Act['details'] => {
  if (by.kind === 'peer') {
    const { vouchedFor } = by
    return { ...details, ...by.connection, ...(vouchedFor === undefined ? {} : { vouchedFor }) }
  }
  const [first] = told ?? []
  if (first === undefined) return details
  const peer = [...new Set((told ?? []).map(({ ask }) => ask.domain))].join(' ')
  return { ...details, peer, ...first.connection }
}

/** The core's id of an operation joins an entry to the core's own records. */
const withOperation = (details: Act['details'], received: Received): Pick<Act, 'details'> => {
  const operation = operationIdOf(received)
  if (operation !== undefined) return { details: { ...details, operation } }
  return details === undefined ? {} : { details }
}

/** A query names a user by id; the entry's `subjects` name them by pseudonym. */
const withoutPeople = (uri: string): string => uri.split('?', 1)[0] ?? ''

export const actOf = (
  asked: Asked,
  { outcome, recorded }: Verdict,
  people: Pseudonyms,
  now: Instant,
): Act => {
  const isOwn = asked.by.kind !== 'peer' && asked.subject === ownSubject(asked.by)
  const onBehalf = isOwn ? undefined : parseUserId(asked.subject)
  const behalf = onBehalf === undefined ? undefined : people.get(onBehalf)?.pseudonym
  const subjects = subjectsOf(recorded, people)
  return {
    ...recorded,
    ...verdictOf(outcome),
    ...requestFacts(asked),
    ...withOperation(withPeers(recorded.details, asked), asked.received),
    actor: actorOf(asked.by, people),
    durationMs: Math.max(0, now - asked.received.at),
    ...(behalf === undefined ? {} : { onBehalfOf: behalf }),
    ...(subjects === undefined ? {} : { subjects }),
  }
}

/** A message that never became a question; what is quoted of it is what was understood. */
export const turnedAct = (turned: Turned, people: Pseudonyms, now: Instant): Act => {
  const { received, refusal, sessionUri, clientId, requestId, method, uri, by } = turned
  const { onBehalfOf } = turned
  const behalf = onBehalfOf === undefined ? undefined : people.get(onBehalfOf)?.pseudonym
  return {
    action: 'message.refused',
    outcome: 'refused',
    code: refusal.refused,
    type: 'MESSAGE',
    actor: actorOf(by, people),
    trackingId: received.trackingId,
    sizeBytes: received.sizeBytes,
    durationMs: Math.max(0, now - received.at),
    ...(behalf === undefined ? {} : { onBehalfOf: behalf }),
    ...withOperation(refusal.about === undefined ? undefined : { about: refusal.about }, received),
    ...(sessionUri === undefined ? {} : { session: sessionUri }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(method === undefined ? {} : { method }),
    ...(uri === undefined ? {} : { uri: withoutPeople(uri).slice(0, 256) }),
  }
}
