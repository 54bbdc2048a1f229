// A change that core and realm make together, or not at all: one request to the core, with a sealed request to the
// realm inside, and the realm's sealed answer inside the core's. The core's own word is never enough.

import type { KmsRequest, Wraps } from './channel.ts'
import { ClientError } from './errors.ts'
import { throwIfRefused } from './handshake.ts'
import { coreRefusal, type HttpClient, type HttpResult, isSuccess } from './http.ts'
import type { JsonObject } from './json.ts'

/** What both said of a change that both made. */
export interface Agreed {
  /** The core's view: of a room, a team or an activity. */
  readonly view: JsonObject
  readonly answer: JsonObject
}

/** One request to the core: where to, with what, and what the realm is asked inside. */
export interface SharedRequest {
  readonly url: string
  readonly body: JsonObject
  readonly request: KmsRequest
}

/**
 * Rejects KmsRefused when the realm said no; `client.core-refused` when the core did, or could not ask; nothing was
 * changed then. `client.not-confirmed` when the realm's word is missing or is not what the core made of it;
 * `client.session-reset` when the realm dropped the session twice in a row.
 */
export type Agree = (shared: SharedRequest) => Promise<Agreed>

/** Observed of real clients: with this number the sealed "no" of the realm stands in `message`. */
const REFUSED_BY_REALM = 1_900_000
const TRIES = 2

export const createAgree =
  (http: HttpClient, channel: Wraps): Agree =>
  async ({ url, body, request }) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { kmsMessage, open } = await channel.wrap(request)
      const result = await http.send('POST', url, { ...body, kmsMessage })
      const answer = await open(sealedIn(result))
      // The realm dropped the session and did nothing: once more, in a new one.
      if (answer === undefined) continue
      throwIfRefused(answer)
      const view = result.json
      if (isSuccess(result.status) && view !== undefined) return { view, answer }
      throw new ClientError('client.not-confirmed', undefined, result.status)
    }
    throw new ClientError('client.session-reset')
  }

/** The realm's sealed words in the core's answer. */
function sealedIn(result: HttpResult): string {
  const { status, json } = result
  const isRefusal = json?.['errorCode'] === REFUSED_BY_REALM
  if (!isSuccess(status) && !isRefusal) throw coreRefusal(result)
  const sealed = json?.[isRefusal ? 'message' : 'kmsMessage']
  if (typeof sealed === 'string') return sealed
  throw new ClientError('client.not-confirmed', undefined, status)
}
