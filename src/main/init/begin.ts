// What a realm needs once: folders, admin token, passphrase, main keys, database, and the first words of its log.
// Done again it keeps what is there.

import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { readSecret, type Settings, writeSecretFile } from '../../config/index.ts'
import { encodeB64u, type SecretBytes, systemRandom } from '../../crypto/index.ts'
import { sealNewMainKeys } from '../../kms/index.ts'
import { makeAdminToken } from '../admin-token.ts'
import {
  configuredPassphrase,
  kmsSettings,
  passphraseFrom,
  type Realm,
  record,
  unlockRealm,
} from '../assembly.ts'
import { beside, SYSTEM } from '../beside.ts'
import { askNewPassphrase, askPassphrase } from '../passphrase.ts'
import { VERSION } from '../version.ts'

/** From that file, from where the settings say, or from the person at the terminal. */
export const passphraseFor = async (
  settings: Settings,
  file: string | undefined,
): Promise<SecretBytes> => {
  if (file !== undefined) return passphraseFrom(readSecret({ file }))
  return configuredPassphrase(settings) ?? askPassphrase()
}

/** What somebody has to type, if the settings say so: asked for before anything is made. */
export const typedPassphrase = async (
  { unlock }: Settings,
  file: string | undefined,
): Promise<SecretBytes | undefined> => {
  if (file !== undefined || unlock.passphrase !== undefined) return undefined
  return existsSync(unlock.sealedFile) ? askPassphrase() : askNewPassphrase()
}

const newPassphrase = (settings: Settings): void => {
  const { passphrase } = settings.unlock
  if (passphrase === undefined || !('file' in passphrase) || existsSync(passphrase.file)) return
  mkdirSync(dirname(passphrase.file), { recursive: true, mode: 0o700 })
  writeSecretFile(passphrase.file, new TextEncoder().encode(encodeB64u(systemRandom.bytes(32))))
}

/** The log begins before the first unlock. */
const recordBeginning = async (realm: Realm): Promise<void> => {
  const [first] = await realm.store.read((tx) => tx.audit.read(0, 1))
  if (first !== undefined) return
  const domain = realm.kms.domain
  await record(realm, {
    action: 'realm.initialized',
    outcome: 'done',
    actor: SYSTEM,
    type: 'PROCESS',
    details: { domain, version: VERSION },
  })
}

const makeMainKeys = async (config: string, settings: Settings, passphrase: SecretBytes) => {
  const { sealedFile } = settings.unlock
  if (existsSync(sealedFile)) return
  mkdirSync(dirname(sealedFile), { recursive: true, mode: 0o700 })
  const { organizations } = kmsSettings(settings)
  const now = await beside(config, async (realm) => realm.now())
  const sealed = sealNewMainKeys(organizations, passphrase, systemRandom, now)
  writeSecretFile(sealedFile, new TextEncoder().encode(sealed))
}

export interface Beginning {
  readonly settings: Settings
  readonly passphraseFile: string | undefined
  /** See `typedPassphrase`; wiped. */
  readonly typed: SecretBytes | undefined
}

/** Begins the realm of a settings file and does `work` with it, unlocked. */
export const beginRealm = async <Result>(
  config: string,
  { settings, passphraseFile, typed }: Beginning,
  work: (realm: Realm, passphrase: SecretBytes) => Promise<Result>,
): Promise<Result> => {
  mkdirSync(settings.realm.stateDirectory, { recursive: true, mode: 0o700 })
  makeAdminToken(settings)
  if (passphraseFile === undefined) newPassphrase(settings)
  const passphrase = typed ?? (await passphraseFor(settings, passphraseFile))
  try {
    await makeMainKeys(config, settings, passphrase)
    return await beside(config, async (realm) => {
      await recordBeginning(realm)
      await unlockRealm(realm, passphrase)
      const result = await work(realm, passphrase)
      await realm.log.publishAll()
      return result
    })
  } finally {
    passphrase.wipe()
  }
}
