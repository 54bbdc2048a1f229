// RFC 9457 problem details: the one mapping from our codes to HTTP. Codes are stable; the words are
// not. It never repeats what the caller sent, and a fault shows a correlation id and nothing else.

/** Code → HTTP status, and one sentence for people. */
const PROBLEMS = {
  'http.malformed-body': [400, 'The body is not what this address takes.'],
  'http.invalid-query': [400, 'A query parameter is unknown, repeated or out of range.'],
  'http.unauthenticated': [401, 'This address needs the admin token.'],
  'http.not-found': [404, 'There is nothing at this address.'],
  'http.method-not-allowed': [405, 'This address does not take this method.'],
  'http.body-too-large': [413, 'The body is too large.'],
  'http.unsupported-media-type': [415, 'The body must be application/json.'],
  'http.too-many-requests': [429, 'Too many requests; wait before the next.'],
  'http.fault': [500, 'Something broke; the log has more under the correlation id.'],
  'witness.malformed': [400, 'The body is not what add-checkpoint takes.'],
  'witness.key-refused': [403, 'No key that this witness knows of this log has signed.'],
  'witness.unknown-log': [404, 'This witness does not know this log.'],
  'witness.inconsistent': [422, 'The proof does not lead from what was seen to this checkpoint.'],
  'witness.locked': [503, 'The realm is locked and has no key to co-sign with.'],
  'admin.wrong-passphrase': [403, 'The passphrase does not open the sealed file.'],
  'admin.already-unlocked': [409, 'The appliance is already unlocked.'],
  'admin.federation-off': [409, 'This realm works alone: the settings have no federation.carrier.'],
  'admin.not-a-domain': [400, 'A peer is named by its domain, in lower case.'],
  'erasure.unknown-person': [404, 'Nobody is known under this id.'],
  'erasure.machine-account': [409, 'This is a machine account: it is disabled, not erased.'],
  'erasure.not-off-boarded': [409, 'First take them out of every room: users off-board.'],
  'erasure.still-authorized': [
    409,
    'They are authorised still or again: users off-board once more.',
  ],
  'erasure.withdrawals-owed': [
    409,
    'A peer has not confirmed yet that it let go of them; one that is never coming back: peers write-off.',
  ],
  'erasure.not-acknowledged': [409, 'The cloud has not confirmed that they are out: wait for it.'],
} as const satisfies Readonly<Record<string, readonly [status: number, detail: string]>>

export type ProblemCode = keyof typeof PROBLEMS

/** Every problem code, for tests and documents. */
export const PROBLEM_CODES: readonly string[] = Object.keys(PROBLEMS)

const TITLES: Readonly<Record<(typeof PROBLEMS)[ProblemCode][0], string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export interface ProblemExtra {
  readonly correlationId?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The answer that says no: `application/problem+json` with our stable `code`. */
export const problem = (code: ProblemCode, extra: ProblemExtra = {}): Response => {
  const [status, detail] = PROBLEMS[code]
  // RFC 9457 §4.2.1: with `about:blank` the title is the phrase of the status.
  const body = {
    type: 'about:blank',
    title: TITLES[status],
    status,
    detail,
    code,
    ...(extra.correlationId === undefined ? {} : { correlationId: extra.correlationId }),
  }
  const headers = { 'content-type': 'application/problem+json', ...extra.headers }
  return new Response(JSON.stringify(body), { status, headers })
}
