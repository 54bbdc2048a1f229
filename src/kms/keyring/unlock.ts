// How main keys enter memory: from a sealed file (Argon2id + AES-256-GCM), opened by a passphrase.
// The file holds one main key per organisation; the database knows only their names.

import type { Act } from '../../audit/index.ts'
import {
  aesKeyFrom,
  decodeB64u,
  encodeB64u,
  openWithPassphrase,
  type Random,
  SecretBytes,
  sealWithPassphrase,
} from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import { isUuid, type OrganizationId, parseOrganizationId } from '../../id.ts'
import { type Instant, instant } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import {
  assertOpens,
  type Keyring,
  mintKeyEncryptionKey,
  missingPurposes,
  type OpenMainKey,
} from './keyring.ts'
import type { KeyEncryptionKey, MainKey } from './stored.ts'

interface SealedMainKey {
  readonly id: string
  readonly organizationId: OrganizationId
  readonly createdAt: number
  readonly key: string
}

const SEALED_ABOUT = 'keyrealm main keys'
const utf8 = new TextEncoder()

const mintMainKey = (
  organizationId: OrganizationId,
  random: Random,
  now: Instant,
): SealedMainKey => ({
  id: random.uuid(),
  organizationId,
  createdAt: now,
  key: encodeB64u(random.bytes(32)),
})

const seal = (keys: readonly SealedMainKey[], passphrase: SecretBytes, random: Random): string => {
  const secret = SecretBytes.from(utf8.encode(JSON.stringify(keys)))
  const sealed = sealWithPassphrase(secret, passphrase, SEALED_ABOUT, random)
  secret.wipe()
  return sealed
}

/** A new sealed file with one fresh main key per organisation. */
export const sealNewMainKeys = (
  organizations: readonly OrganizationId[],
  passphrase: SecretBytes,
  random: Random,
  now: Instant,
): string =>
  seal(
    organizations.map((organizationId) => mintMainKey(organizationId, random, now)),
    passphrase,
    random,
  )

const parseSealedMainKey = (raw: unknown): OpenMainKey => {
  const entry = raw as Partial<Record<keyof SealedMainKey, unknown>>
  const organizationId = parseOrganizationId(entry.organizationId)
  const { id, createdAt, key } = entry
  if (!isUuid(id) || organizationId === undefined || typeof createdAt !== 'number') {
    throw new Fault('kms.sealed-file-malformed')
  }
  if (typeof key !== 'string') throw new Fault('kms.sealed-file-malformed')
  const bytes = decodeB64u(key)
  if (bytes === undefined) throw new Fault('kms.sealed-file-malformed')
  const mainKey = { id, organizationId, createdAt: instant(createdAt) }
  const open = { mainKey, key: aesKeyFrom(bytes) }
  bytes.fill(0)
  return open
}

/** The main keys of a sealed file. Throws a Fault `kms.sealed-…` if it or the passphrase is wrong. */
export const openMainKeys = (sealed: string, passphrase: SecretBytes): readonly OpenMainKey[] => {
  const secret = openWithPassphrase(sealed, passphrase, SEALED_ABOUT)
  if (typeof secret === 'string') throw new Fault(`kms.sealed-file-${secret}`)
  const parsed: unknown = JSON.parse(new TextDecoder().decode(secret.expose()))
  secret.wipe()
  if (!Array.isArray(parsed)) throw new Fault('kms.sealed-file-malformed')
  return parsed.map(parseSealedMainKey)
}

interface StoredKeys {
  readonly mainKeys: readonly MainKey[]
  readonly keys: readonly KeyEncryptionKey[]
}

const missingKeys = (
  mains: readonly OpenMainKey[],
  known: StoredKeys,
  random: Random,
  now: Instant,
): StoredKeys => ({
  mainKeys: mains
    .map((main) => main.mainKey)
    .filter((mainKey) => !known.mainKeys.some((candidate) => candidate.id === mainKey.id)),
  keys: mains.flatMap((main) =>
    missingPurposes(main.mainKey.organizationId, known.keys).map((purpose) =>
      mintKeyEncryptionKey(main, purpose, random, now),
    ),
  ),
})

const created = (key: KeyEncryptionKey): Act => ({
  action: 'key-encryption-key.created',
  outcome: 'done',
  actor: { kind: 'system' },
  type: 'KEY_ENCRYPTION_KEY',
  organizationId: key.organizationId,
  details: { id: key.id, purpose: key.purpose },
})

/** The stored key-encryption keys, after making those that are missing or used up. */
const ensureKeys = (
  mains: readonly OpenMainKey[],
  ledger: Ledger,
  random: Random,
  acts: readonly Act[],
): Promise<readonly KeyEncryptionKey[]> =>
  ledger.commit(async (tx, now) => {
    const known: StoredKeys = {
      mainKeys: await tx.keyring.mainKeys(),
      keys: await tx.keyring.keyEncryptionKeys(),
    }
    const isForeign = known.mainKeys.some(({ id }) => !mains.some((main) => main.mainKey.id === id))
    if (isForeign) throw new Fault('kms.main-key-mismatch')
    // Before "unlocked" is recorded: a main key of the right name may have the wrong bytes.
    assertOpens(mains, known.keys)
    const missing = missingKeys(mains, known, random, now)
    for (const mainKey of missing.mainKeys) await tx.keyring.insertMainKey(mainKey)
    for (const key of missing.keys) await tx.keyring.insertKeyEncryptionKey(key)
    return {
      result: [...known.keys, ...missing.keys],
      acts: [...acts, ...missing.keys.map(created)],
    }
  })

/**
 * Unlocks the keyring, first making the key-encryption keys that are missing or used up. Throws a Fault
 * `kms.main-key-mismatch` if the main keys are not those that the database was begun with.
 */
export const unlockKeyring = async (
  keyring: Keyring,
  mains: readonly OpenMainKey[],
  ledger: Ledger,
  random: Random,
): Promise<void> => {
  const unlocked: Act = {
    action: 'realm.unlocked',
    outcome: 'done',
    actor: { kind: 'system' },
    type: 'MAIN_KEY',
  }
  keyring.unlock(mains, await ensureKeys(mains, ledger, random, [unlocked]))
}

/** Makes successors for key-encryption keys that have wrapped much; older ones stay for unwrapping. */
export const renewKeyEncryptionKeys = async (
  keyring: Keyring,
  ledger: Ledger,
  random: Random,
): Promise<void> => {
  if (!keyring.wantsRenewal) return
  const { mains } = keyring
  keyring.unlock(mains, await ensureKeys(mains, ledger, random, []))
}
