// The realm's RSA identities, newest first: one is published, all of them still open handshakes and
// sign their answers, because a running client keeps the one it fetched at start. Private halves are
// unwrapped on first use and forgotten by `lock`.

import { type RsaWorkers, rsaPrivateKeyFrom } from '../../crypto/index.ts'
import type { StaticKeyUri } from '../../id.ts'
import { type StaticIdentity, signReset } from '../../protocol/index.ts'
import type { Store } from '../ports.ts'
import type { StaticKey } from '../static-key.ts'
import type { Keyring } from './keyring.ts'

export class StaticKeys {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #workers: RsaWorkers
  readonly #open = new Map<StaticKeyUri, StaticIdentity>()
  readonly #resets = new Map<StaticKeyUri, Promise<string>>()
  #stored: readonly StaticKey[] = []

  constructor(store: Store, keyring: Keyring, workers: RsaWorkers) {
    this.#store = store
    this.#keyring = keyring
    this.#workers = workers
  }

  /** Reads what the store has now; true if the published key is another one than before. */
  async reload(): Promise<boolean> {
    const before = this.#stored[0]?.uri
    this.#stored = await this.#store.read((tx) => tx.staticKeys.all())
    return this.#stored[0]?.uri !== before
  }

  /** The one to publish, if any has been imported. */
  get published(): StaticKey | undefined {
    return this.#stored[0]
  }

  /** The identity that a handshake names, if it is one of ours. Throws a Fault while locked. */
  find(kid: string): StaticIdentity | undefined {
    const stored = this.#stored.find((candidate) => candidate.uri === kid)
    if (stored === undefined) return undefined
    const open = this.#open.get(stored.uri)
    if (open !== undefined) return open
    const secret = this.#keyring.unwrap(stored.uri, stored.wrapped)
    const identity = { uri: stored.uri, privateKey: rsaPrivateKeyFrom(secret) }
    secret.wipe()
    this.#open.set(stored.uri, identity)
    return identity
  }

  /** The signed reset (draft §4.6.4), signed once per key; undefined before the first import. */
  async reset(): Promise<string | undefined> {
    const uri = this.published?.uri
    const identity = uri === undefined ? undefined : this.find(uri)
    if (identity === undefined) return undefined
    const known = this.#resets.get(identity.uri)
    if (known !== undefined) return known
    const reset = signReset(identity, this.#workers)
    this.#resets.set(identity.uri, reset)
    reset.catch(() => this.#resets.delete(identity.uri))
    return reset
  }

  lock(): void {
    this.#open.clear()
    this.#resets.clear()
  }
}
