// Every "no" of the core's HTTP surface: a stable code, a status and a title, told as RFC 9457 problem
// details. It never repeats what the caller sent, except the name of a member.

const PROBLEMS = {
  'core.token-missing': [401, 'A bearer token is required'],
  'core.token-inactive': [401, 'The token is not active'],
  'core.token-expired': [401, 'The token has expired'],
  'core.wrong-issuer': [401, 'The token is of another issuer'],
  'core.wrong-audience': [401, 'The token is for another audience'],
  'core.scope-missing': [403, 'The token lacks the scope for this service'],
  'core.kms-token-refused': [403, 'A token for the KMS must only travel inside sealed requests'],
  'core.invalid-subject': [403, 'The token does not name a user by UUID'],
  'core.organization-not-served': [403, 'No realm serves the organization of this user'],
  'core.identity-unavailable': [503, 'The token cannot be checked right now'],
  'core.body-too-large': [413, 'The body is too large'],
  'core.body-too-slow': [408, 'The body took too long to arrive'],
  'core.body-not-json': [400, 'The body is not JSON'],
  'core.body-invalid': [400, 'A member of the body is missing, unknown or of the wrong form'],
  'core.wrong-content-type': [415, 'The body must be application/json'],
  'core.not-ciphertext': [400, 'Only compact JWE is stored here'],
  'core.kms-message-not-supported': [501, 'A kmsMessage inside this request is not supported'],
  'core.kms-message-missing': [400, 'This changes who may read: it needs a kmsMessage'],
  'core.kms-message-unread': [400, 'The realm could not open the kmsMessage'],
  'core.not-found': [404, 'There is nothing here'],
  'core.unknown-user': [404, 'This user is not known'],
  'core.unknown-device': [404, 'This device is not known'],
  'core.unknown-conversation': [404, 'This conversation is not known'],
  'core.unknown-activity': [404, 'This activity is not known'],
  'core.unknown-team': [404, 'This team is not known'],
  'core.unknown-board': [404, 'This board is not known'],
  'core.not-a-participant': [404, 'This user is not in the room'],
  'core.room-locked': [403, 'The room is locked: only moderators may do this'],
  'core.moderator-only': [403, 'Only moderators of the room may do this'],
  'core.not-your-activity': [403, 'Only its author may do this'],
  'core.direct-room': [400, 'This cannot be done in a one-to-one room'],
  'core.direct-room-exists': [409, 'These two have a one-to-one room already'],
  'core.already-in-team': [409, 'The room is in a team already'],
  'core.room-full': [409, 'The room has as many members as it may have'],
  'core.rotation-required': [400, 'The room needs a new key first', 1_400_087],
  'core.key-rotated': [409, 'The room has a newer key', 1_409_004],
  'core.key-mismatch': [400, 'This is not the key of the room', 1_400_049],
  'core.foreign-device': [403, 'The device is not one of this user'],
  'core.wrong-destination': [403, 'The destination is not the KMS of this user'],
  'core.too-many-held': [429, 'Too many posts of this user wait for the realm'],
  'core.too-many-searches': [429, 'Too many searches of this user'],
  'core.overloaded': [503, 'Too many posts wait for the realm'],
  'core.realm-unreachable': [503, 'The realm has not connected yet'],
  'core.realm-declined': [503, 'The realm did not read the post'],
  'core.realm-refused': [403, 'The realm refused, and nobody is left who could read why'],
  'core.realm-timeout': [503, 'The realm did not answer in time'],
  'core.stopping': [503, 'The service is stopping'],
  'kms.locked': [503, 'The realm is locked'],
  'core.fault': [500, 'Something is broken here'],
} as const satisfies Readonly<
  Record<string, readonly [status: number, title: string, errorCode?: number]>
>

/** Closed list; never renamed, never reused. */
export type ProblemCode = keyof typeof PROBLEMS

export interface Problem {
  readonly problem: ProblemCode
  /** Name of the member it is about, never its value. */
  readonly about?: string
}

export const problem = (code: ProblemCode, about?: string): Problem =>
  about === undefined ? { problem: code } : { problem: code, about }

export const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'problem' in value

export const statusOf = ({ problem: code }: Problem): number => PROBLEMS[code][0]

/** The problem as an HTTP answer. */
export const toProblemResponse = (no: Problem, trackingId: string): Response => {
  const [status, title, errorCode] = PROBLEMS[no.problem]
  const body = {
    type: `urn:keyrealm:problem:${no.problem}`,
    title,
    status,
    code: no.problem,
    // Observed of real clients: they act on these numbers, and on nothing else of an error.
    ...(errorCode === undefined ? {} : { errorCode, message: title }),
    ...(no.about === undefined ? {} : { about: no.about }),
    trackingId,
  }
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    trackingid: trackingId,
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  if (status === 429 || status === 503) headers['retry-after'] = '2'
  // Whoever sent too much or too slowly has bytes on the way that nobody will read.
  if (status === 413 || status === 408) headers['connection'] = 'close'
  return new Response(JSON.stringify(body), { status, headers })
}

/** The realm declined, and said in closed words why. */
export const toDeclinedResponse = (
  { status, code }: { readonly status: number; readonly code: string },
  trackingId: string,
): Response => {
  const title = 'The realm declined'
  const body = { type: `urn:keyrealm:problem:${code}`, title, status, code, trackingId }
  const headers = { 'content-type': 'application/problem+json', trackingid: trackingId }
  return new Response(JSON.stringify(body), { status, headers })
}

export const PROBLEM_CODES: readonly string[] = Object.keys(PROBLEMS)

/** Observed of real clients: with this number they open `message` and every `description` themselves. */
const REFUSED_BY_KMS = 1_900_000

/** The realm's own "no", sealed for whoever asked: not told as RFC 9457 says, but as clients read it. */
export const toSealedRefusal = (kmsMessage: string, trackingId: string): Response => {
  const errors = [{ description: kmsMessage }]
  const body = { errorCode: REFUSED_BY_KMS, message: kmsMessage, errors, trackingId }
  const headers = { 'content-type': 'application/json', trackingid: trackingId }
  return new Response(JSON.stringify(body), { status: 400, headers })
}
