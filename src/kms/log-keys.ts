// The keys that sign the log, and those that co-sign logs of others: made at an unlock, one for each algorithm,
// and open only while the realm is unlocked. Entries recorded while it is locked are signed for after the next unlock.

import {
  generateSigningKey,
  type Random,
  type SignatureAlgorithm,
  type SigningKey,
  signingKeyFrom,
} from '../crypto/index.ts'
import type { OrganizationId } from '../id.ts'
import type { Instant } from '../time.ts'
import type { Keyring } from './keyring/keyring.ts'
import type { Ledger } from './ledger.ts'
import type { LogKey } from './log-key.ts'

const ALGORITHMS: readonly SignatureAlgorithm[] = ['ed25519', 'ml-dsa-44']

interface Minting {
  readonly keyring: Keyring
  readonly random: Random
  /** Whose main key they are wrapped under: the realm's first organisation. */
  readonly organizationId: OrganizationId
  /** `log` unless told. */
  readonly purpose?: string
}

const mint = (
  { keyring, random, organizationId, purpose = 'log' }: Minting,
  algorithm: SignatureAlgorithm,
  now: Instant,
): LogKey => {
  const kind = purpose === 'log' ? 'log-key' : 'witness-key'
  const name = `${kind}/${algorithm}/${random.uuid()}`
  const secret = generateSigningKey(algorithm)
  const { publicKey } = signingKeyFrom(algorithm, secret)
  const wrapped = keyring.wrap(organizationId, 'log', name, secret.expose())
  secret.wipe()
  return { name, purpose, algorithm, publicKey, wrapped, createdAt: now }
}

/** Makes the keys that are missing. The keyring MUST be unlocked. */
export const ensureLogKeys = (ledger: Ledger, minting: Minting): Promise<readonly LogKey[]> =>
  ledger.commit(async (tx, now) => {
    const known = await tx.logKeys.all(minting.purpose ?? 'log')
    const missing = ALGORITHMS.filter((name) => !known.some(({ algorithm }) => algorithm === name))
    const made = missing.map((algorithm) => mint(minting, algorithm, now))
    for (const key of made) {
      await tx.logKeys.insert(key)
      await tx.keyring.countWraps(key.wrapped.keyEncryptionKeyId, 1)
    }
    return {
      result: [...known, ...made],
      acts: made.map(({ name, algorithm, publicKey }) => ({
        action: minting.purpose === undefined ? 'log-key.created' : 'witness-key.created',
        outcome: 'done',
        actor: { kind: 'system' },
        type: 'AUDIT_LOG',
        details: { name, algorithm, publicKey: Buffer.from(publicKey).toString('base64') },
      })),
    }
  })

/** The opened keys; undefined while the realm is locked. */
export class LogKeys {
  readonly #keyring: Keyring
  #stored: readonly LogKey[] = []
  #open: readonly SigningKey[] | undefined

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  /** Takes over what `ensureLogKeys` answered. */
  know(stored: readonly LogKey[]): void {
    this.#stored = stored
    this.#open = undefined
  }

  get signing(): readonly SigningKey[] | undefined {
    if (!this.#keyring.isUnlocked || this.#stored.length === 0) return undefined
    this.#open ??= this.#stored.map(({ name, algorithm, wrapped }) => {
      const secret = this.#keyring.unwrap(name, wrapped)
      const key = signingKeyFrom(algorithm, secret)
      secret.wipe()
      return key
    })
    return this.#open
  }

  lock(): void {
    this.#open = undefined
  }
}
