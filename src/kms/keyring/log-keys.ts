// The keys that sign the log, and those that co-sign logs of others: made at an unlock, one for each algorithm, and
// open only while the realm is unlocked. Entries recorded while it is locked are signed for after the next unlock. Those
// of the log give way to new ones that they have vouched for.

import {
  type Act,
  keyDetails,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  verifierKeyOf,
} from '../../audit/index.ts'
import {
  generateSigningKey,
  type Random,
  type SignatureAlgorithm,
  type SigningKey,
  signingKeyFrom,
} from '../../crypto/index.ts'
import type { OrganizationId } from '../../id.ts'
import { type Instant, instant } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import type { Keyring } from './keyring.ts'
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

/** Of each algorithm the newest, and those that it takes the place of. */
const splitKeys = (known: readonly LogKey[]) => {
  const current = new Set(
    ALGORITHMS.map((name) => known.findLast(({ algorithm }) => algorithm === name)),
  )
  return { current, older: known.filter((key) => !current.has(key)) }
}

const aboutKeys = (
  action: 'log-key.rotated' | 'log-key.retired',
  keys: readonly LogKey[],
): Act => ({
  action,
  outcome: 'done',
  actor: { kind: 'system' },
  type: 'AUDIT_LOG',
  details: keyDetails(keys),
})

/**
 * Makes new keys and says so in the log; from now on old and new sign together, until the old ones retire. The keyring
 * MUST be unlocked. Undefined if there are old ones still.
 */
export const rotateLogKeys = (
  ledger: Ledger,
  minting: Omit<Minting, 'purpose'>,
): Promise<readonly LogKey[] | undefined> =>
  ledger.commit<readonly LogKey[] | undefined>(async (tx, now) => {
    const known = await tx.logKeys.all('log')
    if (known.length === 0 || splitKeys(known).older.length > 0) {
      return { result: undefined, acts: [] }
    }
    // Which keys are the newest is told by their times, and a clock may stand still or go back.
    const latest = Math.max(...known.map(({ createdAt }) => createdAt))
    const moment = instant(Math.max(now, latest + 1))
    const made = ALGORITHMS.map((algorithm) => mint(minting, algorithm, moment))
    for (const key of made) {
      await tx.logKeys.insert(key)
      await tx.keyring.countWraps(key.wrapped.keyEncryptionKeyId, 1)
    }
    // The head is ours until this commits: the first act is the next entry.
    const { sequence } = await tx.audit.head()
    const { generation } = await tx.tree.head()
    await tx.tree.putRotation({ sequence: sequence + 1, generation, note: '' })
    await tx.tree.changeKeys()
    return { result: made, acts: [aboutKeys('log-key.rotated', made)] }
  })

export type Retirement =
  | { readonly did: 'retired'; readonly keys: readonly LogKey[] }
  | { readonly did: 'nothing-to-retire' }
  | { readonly did: 'not-vouched-for' }

/** Has every one of these keys signed the note? */
const areSigners = (keys: readonly LogKey[], note: string): boolean => {
  const origin = parseCheckpoint(parseNote(note)?.text ?? '')?.origin ?? ''
  const verifiers = keys.map((key) => verifierKeyOf(origin, key))
  return typeof openCheckpoint(note, verifiers) !== 'string'
}

/**
 * Ends the old keys: the newest checkpoint, which they signed as well and which covers the entry about the new ones, is
 * kept as their last word, and their private parts are gone. `not-vouched-for`: there is no such checkpoint yet.
 */
export const retireLogKeys = (ledger: Ledger): Promise<Retirement> =>
  ledger.commit<Retirement>(async (tx) => {
    const { older } = splitKeys(await tx.logKeys.all('log'))
    const rotation = (await tx.tree.rotations()).findLast(({ note }) => note === '')
    if (older.length === 0 || rotation === undefined) {
      return { result: { did: 'nothing-to-retire' }, acts: [] }
    }
    const { size, generation, checkpoint } = await tx.tree.head()
    if (size < rotation.sequence || !areSigners(older, checkpoint)) {
      return { result: { did: 'not-vouched-for' }, acts: [] }
    }
    await tx.tree.putRotation({ sequence: rotation.sequence, generation, note: checkpoint })
    await tx.tree.changeKeys()
    await tx.logKeys.remove(older.map(({ name }) => name))
    return {
      result: { did: 'retired', keys: older },
      acts: [aboutKeys('log-key.retired', older)],
    }
  })

/** The opened keys; undefined while the realm is locked. */
export class LogKeys {
  readonly #keyring: Keyring
  #stored: readonly LogKey[] = []
  #open: readonly SigningKey[] | undefined
  /** Of which change of the keys these are; undefined: not known. */
  #epoch: number | undefined

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  /** Takes over what `ensureLogKeys` answered, or what is stored. */
  know(stored: readonly LogKey[], epoch?: number): void {
    this.#stored = stored
    this.#open = undefined
    this.#epoch = epoch
  }

  /** Reads the keys again if they have changed: by another node, or by an administrator's command. */
  async follow(epoch: number, read: () => Promise<readonly LogKey[]>): Promise<void> {
    if (epoch !== this.#epoch) this.know(await read(), epoch)
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
