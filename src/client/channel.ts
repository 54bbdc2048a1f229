// Questions to the realm and their answers: sealed under the session, matched by requestId, asked again under a new
// requestId when no answer comes, and repeated once in a new session when the realm dropped the old one.

import { type ClientClock, within } from './clock.ts'
import { ClientError } from './errors.ts'
import { type Credential, type Session, throwIfRefused } from './handshake.ts'
import { isSigned, openDirect, peekKid, sealDirect } from './jose.ts'
import { type JsonObject, parseJsonObject } from './json.ts'
import type { Outbox } from './outbox.ts'
import type { Sessions } from './session.ts'

export interface KmsRequest {
  readonly method: 'create' | 'retrieve' | 'update' | 'delete'
  /** Absolute, or relative to the realm: `/keys`. */
  readonly uri: string
  readonly members?: JsonObject
  /** Ask as a compliance officer for this person. */
  readonly onBehalfOf?: string
}

export interface ChannelSettings {
  readonly clock: ClientClock
  readonly clientId: string
  readonly credential: () => Promise<Credential>
  readonly sessions: Sessions
  readonly outbox: Outbox
  readonly answerTimeoutMs: number
}

/** Asks the realm. What `Keys` and `Resources` need of the channel. */
export interface Asks {
  /** The answer, if its status is good. Rejects KmsRefused, `client.timed-out`, `client.session-reset`. */
  ask(request: KmsRequest): Promise<JsonObject>
}

/** A request that travels inside one to the core, and what opens the answer that comes back the same way. */
export interface Wrapped {
  readonly kmsMessage: string
  /**
   * The realm's answer, good or not, or undefined if the realm signed that it dropped the session. Rejects
   * `client.not-opened`, and `client.invalid-answer` for the answer to any other request.
   */
  open(compact: string): Promise<JsonObject | undefined>
}

/** Seals what others carry. What rooms need of the channel. */
export interface Wraps {
  wrap(request: KmsRequest): Promise<Wrapped>
}

const TRIES = 3
/** Nobody waits longer for a goodbye. */
const FAREWELL_MS = 1000
const RESET = Symbol('reset')
const LATE = Symbol('late')
type Outcome = JsonObject | typeof RESET

/** One question, however often it was sent. */
interface Question {
  readonly request: KmsRequest
  readonly answered: Promise<Outcome>
  readonly settle: (outcome: Outcome | Promise<Outcome>) => void
  readonly requestIds: string[]
}

export class Channel implements Asks, Wraps {
  readonly #settings: ChannelSettings
  readonly #waiting = new Map<string, Question>()

  constructor(settings: ChannelSettings) {
    this.#settings = settings
  }

  async ask(request: KmsRequest): Promise<JsonObject> {
    let outcome = await this.#askOnce(request)
    if (outcome === RESET) outcome = await this.#askOnce(request)
    if (outcome === RESET) throw new ClientError('client.session-reset')
    throwIfRefused(outcome)
    return outcome
  }

  /** Sent once by whoever carries it: no time limit here, and no second try. */
  async wrap(request: KmsRequest): Promise<Wrapped> {
    const requestId = crypto.randomUUID()
    const session = await this.#settings.sessions.current()
    const kmsMessage = await this.#seal(request, session, requestId)
    return { kmsMessage, open: (compact) => this.#openWrapped(compact, requestId) }
  }

  /** A message of the event socket. What is not for us is ignored: noise must not end a question under way. */
  async receive(compact: string): Promise<void> {
    try {
      if (isSigned(compact)) return await this.#settings.sessions.receiveSigned(compact)
      const answer = await this.#open(compact)
      const { requestId } = answer
      if (typeof requestId === 'string') this.#waiting.get(requestId)?.settle(answer)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
    }
  }

  /** Tells the realm that it may forget the session (draft §4.7.2). Never rejects. */
  async end(): Promise<void> {
    const { clock, sessions } = this.#settings
    const session = sessions.established()
    if (session === undefined) return
    const question = newQuestion({ method: 'delete', uri: session.uri })
    const late = { milliseconds: FAREWELL_MS, otherwise: LATE } as const
    try {
      await this.#send(question, session)
      await within(question.answered, clock, late)
    } catch {
      // It ends by itself, a little later.
    }
    sessions.drop(session)
  }

  /** The session is gone: everything asked under it is asked again, once. */
  reset(): void {
    for (const question of this.#waiting.values()) question.settle(RESET)
  }

  async #askOnce(request: KmsRequest): Promise<Outcome> {
    const question = newQuestion(request)
    try {
      return await this.#pursue(question)
    } finally {
      for (const requestId of question.requestIds) this.#waiting.delete(requestId)
    }
  }

  /** An answer to any of the sendings counts, also a late one. */
  async #pursue(question: Question): Promise<Outcome> {
    const { clock, sessions, answerTimeoutMs } = this.#settings
    const late = { milliseconds: answerTimeoutMs, otherwise: LATE } as const
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const session = await sessions.current()
      await this.#send(question, session)
      const outcome = await within(question.answered, clock, late)
      if (outcome !== LATE) return outcome
      // Twice without an answer: perhaps the realm lost the session and its word about that was lost too.
      if (tries === TRIES - 1) sessions.drop(session)
    }
    throw new ClientError('client.timed-out', question.request.uri)
  }

  async #send(question: Question, session: Session): Promise<void> {
    const requestId = crypto.randomUUID()
    // Before posting: the answer may overtake the post's own.
    question.requestIds.push(requestId)
    this.#waiting.set(requestId, question)
    const sealed = await this.#seal(question.request, session, requestId)
    this.#settings.outbox.post(sealed).catch((error: unknown) => {
      question.settle(Promise.reject(error))
    })
  }

  async #seal(request: KmsRequest, session: Session, requestId: string): Promise<string> {
    const { method, uri, members, onBehalfOf } = request
    const credential = credentialFor(await this.#settings.credential(), onBehalfOf)
    const client = { clientId: this.#settings.clientId, credential }
    const payload = { ...members, method, uri, requestId, client }
    return sealDirect(JSON.stringify(payload), { bytes: session.key, kid: session.uri })
  }

  async #openWrapped(compact: string, requestId: string): Promise<JsonObject | undefined> {
    if (isSigned(compact)) {
      await this.#settings.sessions.receiveSigned(compact)
      return undefined
    }
    const answer = await this.#open(compact)
    // An old answer, kept by the core, says nothing of this request.
    if (answer['requestId'] === requestId) return answer
    throw new ClientError('client.invalid-answer', 'requestId')
  }

  async #open(compact: string): Promise<JsonObject> {
    const session = this.#settings.sessions.find(peekKid(compact) ?? '')
    if (session === undefined) throw new ClientError('client.not-opened')
    const text = await openDirect(compact, { bytes: session.key, kid: session.uri })
    const answer = parseJsonObject(text)
    if (answer === undefined) throw new ClientError('client.invalid-answer')
    return answer
  }
}

function newQuestion(request: KmsRequest): Question {
  let settle: Question['settle'] = () => undefined
  const answered = new Promise<Outcome>((resolve) => {
    settle = resolve
  })
  // It may be settled when nobody waits any more.
  answered.catch(() => undefined)
  return { request, answered, settle, requestIds: [] }
}

/** Observed of real clients: `userId` names the target too. The bearer stays the officer's own. */
function credentialFor({ userId, bearer }: Credential, onBehalfOf: string | undefined): JsonObject {
  return onBehalfOf === undefined ? { userId, bearer } : { userId: onBehalfOf, onBehalfOf, bearer }
}
