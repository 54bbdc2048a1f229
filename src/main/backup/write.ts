// `keyrealm backup`: the whole realm in one sealed file, made while it serves. The log says that it is begun before
// anything leaves, and what it became once it is on the disk.

import { join, resolve } from 'node:path'
import type { Act } from '../../audit/index.ts'
import { writeBackup } from '../../backup/index.ts'
import { loadSettings, type Settings } from '../../config/index.ts'
import {
  areAlike,
  isRecipient,
  type Recipients,
  sealForRecipients,
  sha256Hex,
} from '../../crypto/index.ts'
import { systemClock } from '../../runtime/index.ts'
import { openSnapshot } from '../../store/index.ts'
import { toRfc3339 } from '../../time.ts'
import { record } from '../assembly.ts'
import { beside, SYSTEM } from '../beside.ts'
import { CommandError } from '../command-error.ts'
import { storeSettings } from '../store-settings.ts'
import { backupSource } from './source.ts'
import { type WrittenFile, writeWhole } from './whole-file.ts'

export interface BackupWish {
  readonly config: string
  /** In the folder of the settings unless told. */
  readonly out?: string | undefined
  /** Those of the settings unless told. */
  readonly recipients?: readonly string[] | undefined
  readonly onBytes: (total: number) => void
  /** What takes a while and cannot be measured. */
  readonly onStep?: (what: string) => void
}

export interface Written extends WrittenFile {
  /** Short digests of the recipients, as the log names them. */
  readonly recipients: readonly string[]
}

export interface WrittenBackup extends Written {
  readonly file: string
}

const recipientsFor = (settings: Settings, wished: readonly string[] | undefined): Recipients => {
  const [first, ...rest] = wished ?? settings.backup?.recipients ?? []
  if (first === undefined) {
    throw new CommandError('main.no-recipients', 'nobody is named who may open the backup')
  }
  const recipients: Recipients = [first, ...rest]
  if (!recipients.every(isRecipient)) {
    throw new CommandError('main.unfit-recipient', 'a recipient is not an age public key (age1…)')
  }
  if (!areAlike(recipients)) {
    throw new CommandError(
      'main.mixed-recipients',
      'some recipients are post-quantum and others are not: the backup would be as weak as the weaker',
    )
  }
  return recipients
}

const placeFor = (settings: Settings, out: string | undefined): string => {
  if (out !== undefined) return resolve(out)
  if (settings.backup === undefined) {
    throw new CommandError('main.no-backup-folder', 'there is no folder for backups')
  }
  const moment = toRfc3339(systemClock.now()).replace(/[-:]|\.\d+/g, '')
  return join(settings.backup.folder, `${settings.realm.domain}-${moment}.age`)
}

/** As the log names a recipient: the public key itself may have two thousand characters. */
const recipientName = (recipient: string): string => sha256Hex(recipient).slice(0, 16)

export interface BackupPlan {
  readonly settings: Settings
  readonly configFile: string
  readonly file: string
  readonly recipients: Recipients
  readonly onBytes: (total: number) => void
}

export const planBackup = ({ config, out, recipients, onBytes }: BackupWish): BackupPlan => {
  const settings = loadSettings(config)
  return {
    settings,
    configFile: resolve(config),
    file: placeFor(settings, out),
    recipients: recipientsFor(settings, recipients),
    onBytes,
  }
}

/** Writes the file and records nothing; `note` is told what it is before it has its name. */
export const writeBackupFile = async (
  plan: BackupPlan,
  note: (written: Written) => void = () => undefined,
): Promise<WrittenBackup> => {
  const { settings, configFile, file, onBytes } = plan
  const recipients = plan.recipients.map(recipientName)
  const snapshot = await openSnapshot(storeSettings(settings))
  try {
    const source = backupSource({ settings, configFile, snapshot, now: systemClock.now() })
    const sealed = sealForRecipients(plan.recipients, writeBackup(source))
    const beforeNaming = (written: WrittenFile) => note({ recipients, ...written })
    const written = await writeWhole(file, sealed, { onBytes, beforeNaming })
    return { file, recipients, ...written }
  } finally {
    await snapshot.close()
  }
}

const PROCESS = { actor: SYSTEM, type: 'PROCESS' } as const

/** What the log says of a backup that is on the disk. */
export const writtenAct = ({ sha256, sizeBytes, recipients }: Written): Act => ({
  ...PROCESS,
  action: 'backup.written',
  outcome: 'done',
  sizeBytes,
  details: { sha256, recipients: recipients.join(',') },
})

/** Throws a CommandError; whatever happened, there is a whole backup or none. */
export const backUp = async (wish: BackupWish): Promise<WrittenBackup> => {
  const plan = planBackup(wish)
  return await beside(wish.config, async (realm) => {
    const recipients = plan.recipients.map(recipientName).join(',')
    await record(realm, {
      ...PROCESS,
      action: 'backup.begun',
      outcome: 'done',
      details: { recipients },
    })
    const written = await writeBackupFile(plan)
    await record(realm, writtenAct(written))
    return written
  })
}
