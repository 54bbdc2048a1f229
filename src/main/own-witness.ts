// The realm as a witness of others' logs: its name and its keys. They are not the log's, and after an accepted restore
// they are others: a witness that may have forgotten what it co-signed must not be believed under its old name.

import type { Settings } from '../config/index.ts'
import { systemRandom } from '../crypto/index.ts'
import type { OrganizationId } from '../id.ts'
import { ensureLogKeys, type Keyring, type Ledger, LogKeys } from '../kms/index.ts'
import type { OpenStore } from '../store/index.ts'

/** What its keys are stored as, and what it is called. */
export const witnessPurpose = (generation: number): string => `witness/${generation}`
export const witnessNameOf = ({ realm }: Settings, generation: number): string =>
  generation === 1 ? `${realm.domain}/witness` : `${realm.domain}/witness/${generation}`

interface Parts {
  readonly settings: Settings
  readonly store: OpenStore
  readonly ledger: Ledger
  readonly keyring: Keyring
  readonly organizationId: OrganizationId
}

export class OwnWitness {
  readonly #parts: Parts
  readonly #keys: LogKeys
  #name = ''

  constructor(parts: Parts) {
    this.#parts = parts
    this.#keys = new LogKeys(parts.keyring)
  }

  /** Makes the keys that are missing. The keyring MUST be unlocked. */
  async open(): Promise<void> {
    const { settings, store, ledger, keyring, organizationId } = this.#parts
    if (settings.audit.witness === undefined) return
    const { generation } = await store.read((tx) => tx.tree.head())
    const purpose = witnessPurpose(generation)
    const minting = { keyring, random: systemRandom, organizationId, purpose }
    this.#keys.know(await ensureLogKeys(ledger, minting))
    this.#name = witnessNameOf(settings, generation)
  }

  /** Undefined while the realm is locked. */
  signer() {
    const keys = this.#keys.signing
    return keys === undefined ? undefined : { name: this.#name, keys }
  }

  lock(): void {
    this.#keys.lock()
  }
}
