// Settings → a realm with its store, log and keyring joined, still locked. Shared by the server and by
// the commands that work beside it. Nothing here listens or connects to anything but the database.

import { hostname } from 'node:os'
import { type Act, createRecorder } from '../audit/index.ts'
import { SEALED_ANSWER_MAX_CHARS } from '../boundary/index.ts'
import { readNamedText, readSecret, type Settings, secretPlace } from '../config/index.ts'
import { SecretBytes, systemRandom } from '../crypto/index.ts'
import { Fault } from '../fault.ts'
import { type OrganizationId, parseOrganizationId } from '../id.ts'
import type { IndexLedger } from '../indexer/index.ts'
import {
  createLedger,
  ensureLogKeys,
  Keyring,
  type KmsSettings,
  type OpenMainKey,
  openMainKeys,
  unlockKeyring,
} from '../kms/index.ts'
import type { VerifiedRelease } from '../release/index.ts'
import { systemClock } from '../runtime/index.ts'
import { type OpenStore, openStore, type Upgrading } from '../store/index.ts'
import { type Instant, seconds } from '../time.ts'
import { requireRelease } from './own-release.ts'
import { OwnWitness } from './own-witness.ts'
import { joinLog, type PublishedLog } from './published-log.ts'
import { storeSettings } from './store-settings.ts'
import { concludeRestore } from './unfinished-restore.ts'

export interface Realm {
  readonly settings: Settings
  readonly kms: KmsSettings
  readonly store: OpenStore
  readonly ledger: IndexLedger
  readonly keyring: Keyring
  readonly log: PublishedLog
  readonly witness: OwnWitness
  /** Names this start of the process. */
  readonly boot: string
  readonly now: () => Instant
  /** The release that runs, where the settings require one. */
  readonly release?: VerifiedRelease
}

const DAY_SECONDS = 24 * 3600
/** Clients wait six seconds; what is left of them is for our own work. */
const IDENTITY_PATIENCE = seconds(4.5)
const LIVE_CHANNELS = 50_000

const organizationsOf = (settings: Settings): readonly [OrganizationId, ...OrganizationId[]] => {
  const [first, ...rest] = settings.realm.organizations.map(({ id }) => {
    const parsed = parseOrganizationId(id)
    if (parsed === undefined) throw new Fault('main.organization-id')
    return parsed
  })
  if (first === undefined) throw new Fault('main.no-organization')
  return [first, ...rest]
}

export const kmsSettings = (settings: Settings): KmsSettings => ({
  domain: settings.realm.domain,
  organizations: organizationsOf(settings),
  sessionLifetime: seconds(settings.channel.sessionLifetimeSeconds),
  sessionGrace: seconds(settings.channel.graceSeconds),
  sessionsPerDevice: settings.channel.sessionsPerDevice,
  sessionsPerUser: settings.channel.sessionsPerUser,
  unboundLifetime: seconds(settings.keys.unboundLifetimeDays * DAY_SECONDS),
  keysPerRequest: settings.keys.perRequest,
  unboundPerUser: settings.keys.unboundPerUser,
  sameCreateFor: seconds(settings.keys.sameCreateForSeconds),
  sealedMessageMaxChars: settings.limits.messageMaxBytes,
  sealedAnswerMaxChars: SEALED_ANSWER_MAX_CHARS,
  complianceRole: settings.roles.complianceOfficer,
  identityPatience: IDENTITY_PATIENCE,
  liveChannels: LIVE_CHANNELS,
})

/** `restore` names the filling of a realm that is still being put back. */
export const openRealm = async (
  settings: Settings,
  upgrading?: Upgrading,
  restore?: string,
): Promise<Realm> => {
  // First of all: a program that may not run opens no database.
  const release = requireRelease(settings)
  const now = () => systemClock.now()
  if (restore === undefined) await concludeRestore(settings)
  const store = await openStore(storeSettings(settings), upgrading, restore)
  const boot = systemRandom.uuid()
  const recorder = createRecorder(settings.realm.name, hostname(), boot)
  const keyring = new Keyring(systemRandom)
  const kms = kmsSettings(settings)
  const ledger = createLedger(store, recorder, now)
  const [organizationId] = kms.organizations
  return {
    settings,
    kms,
    store,
    ledger,
    keyring,
    log: joinLog({ settings, store, keyring, recorder, boot, now }),
    witness: new OwnWitness({ settings, store, ledger, keyring, organizationId }),
    boot,
    now,
    ...(release === undefined ? {} : { release }),
  }
}

/** Records acts that change nothing else. */
export const record = (realm: Realm, ...acts: readonly Act[]): Promise<void> =>
  realm.ledger.commit(async () => ({ result: undefined, acts }))

/** Throws a Fault `main.organization-without-main-key`. */
export const assertEveryMainKey = (
  { realm }: Pick<Settings, 'realm'>,
  mains: readonly OpenMainKey[],
): void => {
  const isMissing = realm.organizations.some(
    ({ id }) => !mains.some(({ mainKey }) => mainKey.organizationId === id),
  )
  if (isMissing) throw new Fault('main.organization-without-main-key')
}

/** Throws a Fault `kms.sealed-file-wrong-passphrase` and its like. The passphrase stays the caller's. */
export const unlockRealm = async (realm: Realm, passphrase: SecretBytes): Promise<void> => {
  const sealed = readNamedText(realm.settings.unlock.sealedFile)
  const mains = openMainKeys(sealed, passphrase)
  assertEveryMainKey(realm.settings, mains)
  const { keyring, ledger, log, witness } = realm
  await unlockKeyring(keyring, mains, ledger, systemRandom)
  const [organizationId] = realm.kms.organizations
  log.keys.know(await ensureLogKeys(ledger, { keyring, random: systemRandom, organizationId }))
  await witness.open()
}

/** The passphrase that the settings name, if they name one. */
export const configuredPassphrase = (settings: Settings): SecretBytes | undefined => {
  const { passphrase } = settings.unlock
  if (passphrase === undefined) return undefined
  return passphraseFrom(readSecret(passphrase, secretPlace(process.env)))
}

/** Without the line end that editors and `echo` leave. */
export const passphraseFrom = (bytes: Uint8Array): SecretBytes => {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1
  const secret = SecretBytes.from(bytes.slice(0, end))
  bytes.fill(0)
  return secret
}
