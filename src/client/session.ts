// The agreed channel with the realm: made when first needed, renewed at four fifths of its life while the old one
// still serves, dropped when the realm says so under its signature (draft §4.6.4).
// It believes nothing that the proven static key did not sign.

import { ClientError } from './errors.ts'
import { type HandshakeSettings, Handshakes, SESSION_MARGIN_MS, type Session } from './handshake.ts'
import { openSigned, peekKid, type StaticKey } from './jose.ts'

export interface SessionsSettings extends HandshakeSettings {
  /** The static key, fetched and proven anew for each handshake, so that a rotation is noticed. */
  readonly staticKey: () => Promise<StaticKey>
  /** The realm dropped the session: what was asked under it has no answer. */
  readonly onReset: () => void
}

const HANDSHAKE_TRIES = 2
const RESET = 499

export class Sessions {
  readonly #settings: SessionsSettings
  readonly #handshakes: Handshakes
  readonly #byUri = new Map<string, Session>()
  #established: Session | undefined
  #underWay: Promise<Session> | undefined
  #staticKey: StaticKey | undefined

  constructor(settings: SessionsSettings) {
    this.#settings = settings
    this.#handshakes = new Handshakes(settings)
  }

  /** A usable session; a failed handshake fails this call only, the next call tries again. */
  async current(): Promise<Session> {
    const now = this.#settings.clock.now()
    this.#forgetOver(now)
    const session = this.#established
    if (session === undefined || session.usableUntil <= now) return this.#negotiateOnce()
    // Should the renewal fail, the old session still serves, and the next request tries again.
    if (session.renewAt <= now) this.#negotiateOnce().catch(() => undefined)
    return session
  }

  /** The session in use, if there is one. */
  established(): Session | undefined {
    return this.#established
  }

  /** The session that a message names, while it lives. */
  find(uri: string): Session | undefined {
    return this.#byUri.get(uri)
  }

  /** Do not use this session again; late answers under it are still read. */
  drop(session: Session): void {
    if (this.#established === session) this.#established = undefined
  }

  /** A signed message: an answer to a handshake, or a reset. Rejects `client.invalid-answer` for a false signature. */
  async receiveSigned(compact: string): Promise<void> {
    const kid = peekKid(compact)
    const known = this.#staticKey?.kid === kid ? this.#staticKey : undefined
    const staticKey = this.#handshakes.staticKeyNamed(kid) ?? known
    if (staticKey === undefined) return
    const answer = await openSigned(compact, staticKey)
    if (answer['status'] === RESET) this.#obeyReset()
    else this.#handshakes.receive(answer)
  }

  #negotiateOnce(): Promise<Session> {
    this.#underWay ??= this.#negotiate().finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  async #negotiate(): Promise<Session> {
    const staticKey = await this.#settings.staticKey()
    this.#staticKey = staticKey
    for (let tries = 0; tries < HANDSHAKE_TRIES; tries += 1) {
      const session = await this.#handshakes.attempt(staticKey)
      if (session === undefined) continue
      this.#byUri.set(session.uri, session)
      this.#established = session
      return session
    }
    throw new ClientError('client.timed-out', 'handshake')
  }

  #forgetOver(now: number): void {
    for (const [uri, session] of this.#byUri) {
      if (session.usableUntil + SESSION_MARGIN_MS < now) this.#byUri.delete(uri)
    }
  }

  #obeyReset(): void {
    const { clock, answerTimeoutMs, onReset } = this.#settings
    const session = this.#established
    // One reset comes per lost message, and anybody may repeat an old one: a session that is younger than an answer
    // may take is kept. Should it really be lost, its next message will bring the next reset.
    if (session === undefined || clock.now() - session.establishedAt < answerTimeoutMs) return
    this.#established = undefined
    this.#byUri.clear()
    onReset()
  }
}
