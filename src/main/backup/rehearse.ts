// `keyrealm rehearse-restore`: a backup is put back into a sandbox and must prove itself there: it unlocks, every key
// opens, a test key is served, its log is whole. The report goes into the log of the living realm. Nothing is dialled
// or listened to, and the sandbox is taken away again.

import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type CheckedEntries, checkEntries, rootAt, sameBytes } from '../../audit/index.ts'
import type { Row, Table } from '../../backup/index.ts'
import { loadSettings, readSecret, type Settings } from '../../config/index.ts'
import { type SecretBytes, systemRandom } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import { parseClientId, parseUserId } from '../../id.ts'
import { isOpenable, serveTestKey, type Wrapped } from '../../kms/index.ts'
import { urisOf } from '../../protocol/index.ts'
import { openSnapshot, type Snapshot } from '../../store/index.ts'
import {
  configuredPassphrase,
  openRealm,
  passphraseFrom,
  type Realm,
  record,
  unlockRealm,
} from '../assembly.ts'
import { beside, SYSTEM } from '../beside.ts'
import { CommandError } from '../command-error.ts'
import { askPassphrase } from '../passphrase.ts'
import { storeSettings } from '../store-settings.ts'
import { assertEmpty } from './folder.ts'
import type { BackupQuestion } from './open.ts'
import { restore, restoredSettings } from './restore.ts'
import { takeScratch } from './scratch.ts'

export interface RehearsalWish {
  readonly config: string
  readonly backup: string
  readonly recoveryKey: string
  readonly sandbox: string
  readonly passphraseFile?: string | undefined
  readonly keep: boolean
  readonly onBytes?: BackupQuestion['onBytes']
}

export interface Rehearsal {
  readonly backupSha256: string
  readonly backupOf: string
  readonly version: string
  /** Keys of every kind, and how many of them opened. */
  readonly keys: number
  readonly keysOpened: number
  readonly testKeyServed: boolean
  readonly entries: number
  /**
   * Every entry is what was published of it, also in the log of the living realm, and is under a checkpoint that the
   * realm's own log keys signed in the sandbox.
   */
  readonly logWhole: boolean
  readonly seconds: number
}

export const isGood = (rehearsal: Rehearsal): boolean =>
  rehearsal.keys === rehearsal.keysOpened && rehearsal.testKeyServed && rehearsal.logWhole

const SANDBOX_STORE = { kind: 'sqlite', file: 'realm.sqlite' } as const

/** Columns of a table of wrapped things: what it is wrapped as, under which key, the bytes, their version. */
const wrappedColumns = ({ columns }: Table): readonly number[] | undefined => {
  const at = (name: string) => columns.findIndex((column) => column.name === name)
  const name = Math.max(at('uri'), at('name'))
  const found = [name, at('key_encryption_key_id'), at('wrapped'), at('wrap_version')]
  return found.includes(-1) ? undefined : found
}

interface NamedKey {
  readonly name: string
  readonly wrapped: Wrapped
}

const wrappedIn = (row: Row, columns: readonly number[]): NamedKey | undefined => {
  const [name, keyEncryptionKeyId, bytes, version] = columns.map((column) => row[column])
  if (typeof name !== 'string' || !(bytes instanceof Uint8Array)) return undefined
  // A destroyed search key leaves its row.
  if (bytes.length === 0) return undefined
  const under = String(keyEncryptionKeyId)
  return { name, wrapped: { keyEncryptionKeyId: under, bytes, version: Number(version) } }
}

async function* everyKey(snapshot: Snapshot): AsyncGenerator<NamedKey> {
  for (const table of snapshot.tables) {
    const columns = wrappedColumns(table)
    if (columns === undefined) continue
    for await (const rows of snapshot.rows(table)) {
      yield* rows.flatMap((row) => wrappedIn(row, columns) ?? [])
    }
  }
}

const tryEveryKey = async ({ keyring, settings }: Realm) => {
  const snapshot = await openSnapshot(storeSettings(settings))
  const tried = { keys: 0, keysOpened: 0 }
  try {
    for await (const { name, wrapped } of everyKey(snapshot)) {
      tried.keys += 1
      if (isOpenable(keyring, name, wrapped)) tried.keysOpened += 1
    }
  } finally {
    await snapshot.close()
  }
  return tried
}

const tryTestKey = (realm: Realm): Promise<boolean> => {
  const { keyring, ledger, store, kms } = realm
  const createdBy = parseUserId(systemRandom.uuid())
  const clientId = parseClientId('keyrealm-rehearsal')
  if (createdBy === undefined || clientId === undefined) throw new Fault('main.rehearsal')
  const [organizationId] = kms.organizations
  const uri = urisOf(kms.domain).key(systemRandom.uuid())
  const means = { keyring, ledger, store, random: systemRandom }
  return serveTestKey(means, { uri, organizationId, createdBy, clientId })
}

/** Does the living log begin with these entries? Unknown, and so not denied, where it went on from an older copy. */
const isOfLiving = (living: Realm, { size, root }: CheckedEntries, generation: number) =>
  living.store.read(async (tx) => {
    const head = await tx.tree.head()
    // The sandbox is one generation further.
    if (head.generation !== generation - 1) return true
    const ours = head.size < size ? undefined : await rootAt(tx, size)
    return ours !== undefined && sameBytes(ours, root)
  })

const tryLog = async (realm: Realm, living: Realm) => {
  const before = await realm.store.read(checkEntries)
  const { generation } = await realm.store.read((tx) => tx.tree.head())
  const isPublished = before.verdict === 'whole' && (await isOfLiving(living, before, generation))
  await realm.log.publishAll()
  const { verdict, size } = await realm.log.check()
  const { sequence } = await realm.store.read((tx) => tx.audit.head())
  const isSigned = verdict === 'whole' && size === sequence
  return { entries: sequence, logWhole: isPublished && isSigned }
}

const tryRealm = async (settings: Settings, passphrase: SecretBytes, living: Realm) => {
  const realm = await openRealm(settings)
  try {
    await unlockRealm(realm, passphrase)
    const tried = await tryEveryKey(realm)
    return { ...tried, testKeyServed: await tryTestKey(realm), ...(await tryLog(realm, living)) }
  } finally {
    realm.keyring.lock()
    await realm.store.close()
  }
}

const passphraseFor = async ({ config, passphraseFile }: RehearsalWish): Promise<SecretBytes> => {
  if (passphraseFile !== undefined) return passphraseFrom(readSecret({ file: passphraseFile }))
  return configuredPassphrase(loadSettings(config)) ?? (await askPassphrase())
}

const tryBackup = async (
  wish: RehearsalWish,
  passphrase: SecretBytes,
  living: Realm,
): Promise<Rehearsal> => {
  const began = performance.now()
  const { config, backup, recoveryKey, sandbox } = wish
  const { domain } = loadSettings(config).realm
  const watched = wish.onBytes === undefined ? {} : { onBytes: wish.onBytes }
  const question = { backup, recoveryKey, domain, ...watched }
  const restored = await restore({ ...question, to: sandbox, store: SANDBOX_STORE })
  const { about, sha256 } = restored.checked
  return {
    backupSha256: sha256,
    backupOf: about.createdAt,
    version: about.version,
    ...(await tryRealm(restoredSettings(restored), passphrase, living)),
    seconds: Math.ceil((performance.now() - began) / 1000),
  }
}

/**
 * The sandbox holds private keys. Unless it is to stay it is a scratch beside the place that was named: of a rehearsal that was
 * killed the next one takes it away.
 */
const rehearse = async (
  wish: RehearsalWish,
  passphrase: SecretBytes,
  living: Realm,
): Promise<Rehearsal> => {
  if (wish.keep) return tryBackup(wish, passphrase, living)
  const place = resolve(wish.sandbox)
  assertEmpty(place)
  mkdirSync(dirname(place), { recursive: true, mode: 0o700 })
  const scratch = takeScratch(place)
  try {
    return await tryBackup({ ...wish, sandbox: scratch.path }, passphrase, living)
  } finally {
    scratch.release()
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Fault || error instanceof CommandError ? error.code : 'main.failed'

const ACT = { action: 'restore.rehearsed', actor: SYSTEM, type: 'PROCESS' } as const

/** Recorded, whether it went well or not; a rehearsal that could not even begin is recorded and thrown. */
export const rehearseRestore = (wish: RehearsalWish): Promise<Rehearsal> =>
  beside(wish.config, async (realm) => {
    const passphrase = await passphraseFor(wish)
    try {
      const rehearsal = await rehearse(wish, passphrase, realm)
      const outcome = isGood(rehearsal) ? 'done' : 'failed'
      await record(realm, { ...ACT, outcome, details: { ...rehearsal } })
      return rehearsal
    } catch (error) {
      await record(realm, { ...ACT, outcome: 'failed', code: codeOf(error) })
      throw error
    } finally {
      passphrase.wipe()
    }
  })
