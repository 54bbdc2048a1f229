// Live channels: sessions whose key is unwrapped and ready. A bounded memory in front of the store,
// never the truth: what it forgets it finds again, and a session that ended is dropped at once.

import { type AesKey, aesKeyFrom } from '../../crypto/index.ts'
import type { SessionUri } from '../../id.ts'
import { type SessionHeader, sessionHeader } from '../../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../../refusal.ts'
import type { Duration, Instant } from '../../time.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { Store } from '../ports.ts'
import { isOver, type Session } from '../session.ts'

export interface LiveChannel {
  readonly session: Session
  readonly key: AesKey
  readonly header: SessionHeader
}

export class Channels {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #grace: Duration
  readonly #capacity: number
  readonly #live = new Map<SessionUri, LiveChannel>()
  /** How often something was forgotten: what was read before may be over now. */
  #forgotten = 0

  constructor(store: Store, keyring: Keyring, grace: Duration, capacity: number) {
    this.#store = store
    this.#keyring = keyring
    this.#grace = grace
    this.#capacity = capacity
  }

  get size(): number {
    return this.#live.size
  }

  /** The channel of a session, `channel.unknown-session` or `channel.expired-session`. */
  find(uri: SessionUri, now: Instant): LiveChannel | Refusal | Promise<LiveChannel | Refusal> {
    const known = this.#live.get(uri)
    return known === undefined ? this.#load(uri, now) : this.#unlessOver(known, now)
  }

  /** Makes a session's channel live; the oldest one leaves memory when there are too many. */
  keep(channel: LiveChannel): void {
    if (this.#live.size >= this.#capacity) {
      const oldest = this.#live.keys().next()
      if (oldest.done !== true) this.#live.delete(oldest.value)
    }
    this.#live.set(channel.session.uri, channel)
  }

  forget(uri: SessionUri): void {
    this.#forgotten += 1
    this.#live.delete(uri)
  }

  forgetAll(): void {
    this.#forgotten += 1
    this.#live.clear()
  }

  async #load(uri: SessionUri, now: Instant): Promise<LiveChannel | Refusal> {
    const before = this.#forgotten
    const session = await this.#store.read((tx) => tx.sessions.find(uri))
    if (session === undefined) return refuse('channel.unknown-session')
    const secret = this.#keyring.unwrap(uri, session.wrapped)
    const channel = { session, key: aesKeyFrom(secret), header: sessionHeader(uri) }
    secret.wipe()
    const live = this.#unlessOver(channel, now)
    // A session that ended while it was being read must not stay alive here.
    if (!isRefusal(live) && before === this.#forgotten) this.keep(live)
    return live
  }

  #unlessOver(channel: LiveChannel, now: Instant): LiveChannel | Refusal {
    if (!isOver(channel.session, this.#grace, now)) return channel
    this.forget(channel.session.uri)
    return refuse('channel.expired-session')
  }
}
