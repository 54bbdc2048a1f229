// The handshake (draft §4.7.1): our half of an agreement goes sealed to the realm, its half comes back signed by the
// proven static key. An answer counts only for the request that it names, and only once.

import { createOwnHalf, type OwnHalf } from './agree.ts'
import { type ClientClock, within } from './clock.ts'
import { ClientError, KmsRefused } from './errors.ts'
import { type StaticKey, sealToRealm } from './jose.ts'
import { type JsonObject, objectMember, textMember } from './json.ts'
import { hostOf } from './validate.ts'

export interface Session {
  /** `kms://HOST/ecdhe/UUID`, the `kid` of every message. */
  readonly uri: string
  readonly key: Uint8Array
  readonly establishedAt: number
  readonly renewAt: number
  /** A little before the realm forgets it. */
  readonly usableUntil: number
}

export interface Credential {
  readonly userId: string
  /** An access token with scope spark:kms and no other. */
  readonly bearer: string
}

export interface HandshakeSettings {
  readonly clock: ClientClock
  /** The device's URL. */
  readonly clientId: string
  readonly credential: () => Promise<Credential>
  readonly post: (compact: string) => Promise<void>
  readonly answerTimeoutMs: number
}

interface Pending {
  readonly staticKey: StaticKey
  readonly half: OwnHalf
  readonly settle: (answer: Promise<Session>) => void
}

const RENEW_AT = 0.8
/** Clocks differ, and an answer takes time: stop using a session this long before its end, or a tenth of its life. */
export const SESSION_MARGIN_MS = 30_000

/** Handshakes under way, by requestId. */
export class Handshakes {
  readonly #settings: HandshakeSettings
  readonly #pending = new Map<string, Pending>()

  constructor(settings: HandshakeSettings) {
    this.#settings = settings
  }

  /** A session, or undefined if no answer came in time. Rejects with what the realm, or the core, said instead. */
  async attempt(staticKey: StaticKey): Promise<Session | undefined> {
    const { clock, post, answerTimeoutMs } = this.#settings
    const half = await createOwnHalf()
    const requestId = crypto.randomUUID()
    const answered = new Promise<Session>((settle) => {
      this.#pending.set(requestId, { staticKey, half, settle })
    })
    // It may settle after we stopped waiting.
    answered.catch(() => undefined)
    try {
      const request = await this.#requestFor(requestId, { staticKey, half })
      await post(await sealToRealm(request, staticKey))
      return await within(answered, clock, { milliseconds: answerTimeoutMs, otherwise: undefined })
    } finally {
      this.#pending.delete(requestId)
    }
  }

  /** The static key of that name that a handshake waits for. */
  staticKeyNamed(kid: string | undefined): StaticKey | undefined {
    return [...this.#pending.values()].find(({ staticKey }) => staticKey.kid === kid)?.staticKey
  }

  /** A payload that the static key signed. Ignored unless it answers a handshake under way. */
  receive(answer: JsonObject): void {
    const { requestId } = answer
    const pending = typeof requestId === 'string' ? this.#pending.get(requestId) : undefined
    pending?.settle(this.#finish(answer, pending))
  }

  async #requestFor(
    requestId: string,
    { staticKey, half }: Omit<Pending, 'settle'>,
  ): Promise<JsonObject> {
    const { clientId, credential } = this.#settings
    return {
      uri: `kms://${hostOf(staticKey.kid)}/ecdhe`,
      method: 'create',
      requestId,
      jwk: half.publicJwk,
      client: { clientId, credential: await credential() },
    }
  }

  async #finish(answer: JsonObject, { staticKey, half }: Pending): Promise<Session> {
    throwIfRefused(answer)
    const key = objectMember(answer, 'key')
    const { clientId } = key
    const uri = textMember(key, 'uri')
    if (hostOf(uri) !== hostOf(staticKey.kid)) throw invalid('key.uri')
    if (clientId !== undefined && clientId !== this.#settings.clientId)
      throw invalid('key.clientId')
    const now = this.#settings.clock.now()
    const life = Date.parse(textMember(key, 'expirationDate')) - now
    // Also not a number.
    if (!(life > 0)) throw invalid('key.expirationDate')
    return {
      uri,
      key: await half.agree(objectMember(key, 'jwk')),
      establishedAt: now,
      renewAt: now + life * RENEW_AT,
      usableUntil: now + life - Math.min(SESSION_MARGIN_MS, life / 10),
    }
  }
}

/** Draft §4.6.3: a status from 400 is an error; so is a redirect, which only some callers understand. */
export const throwIfRefused = (answer: JsonObject): void => {
  const { status, reason, errorCode, redirectUri } = answer
  if (typeof status !== 'number') throw invalid('status')
  if (status < 300) return
  throw new KmsRefused({
    status,
    reason: typeof reason === 'string' ? reason : '',
    ...(typeof errorCode === 'number' ? { errorCode } : {}),
    ...(typeof redirectUri === 'string' ? { redirectUri } : {}),
  })
}

function invalid(about: string): ClientError {
  return new ClientError('client.invalid-answer', about)
}
