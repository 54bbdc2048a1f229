// Commands about backups: recovery keys, making a backup, putting one back, rehearsing that, and upgrading after one.

import { type Command, Option } from 'commander'
import type { Done, ExitCode, WithConfig } from './cli.ts'
import { configOption, jsonOption, passphraseOption } from './cli-options.ts'

export interface RecoveryKeyOptions {
  readonly out: string
  readonly x25519?: true
  readonly json?: true
}

export interface BackupOptions extends WithConfig {
  readonly out?: string
  readonly recipient?: readonly string[]
  readonly json?: true
}

export interface RestoreOptions {
  readonly backup: string
  readonly recoveryKey: string
  readonly realm: string
  readonly to: string
  readonly store?: string
  readonly sha256?: string
  readonly json?: true
}

export interface RehearseOptions extends WithConfig {
  readonly backup: string
  readonly recoveryKey: string
  readonly sandbox: string
  readonly passphraseFile?: string
  readonly keep?: true
  readonly json?: true
}

export interface UpgradeOptions extends BackupOptions {
  readonly backup: boolean
}

export interface BackupActions {
  recoveryKey(options: RecoveryKeyOptions): Promise<ExitCode>
  backup(options: BackupOptions): Promise<ExitCode>
  restore(options: RestoreOptions): Promise<ExitCode>
  /** 1 if what was put back would not serve. */
  rehearseRestore(options: RehearseOptions): Promise<ExitCode>
  upgrade(options: UpgradeOptions): Promise<ExitCode>
}

const recoveryKeyOption = (): Option =>
  new Option(
    '--recovery-key <file>',
    'the recovery key, readable by its owner only',
  ).makeOptionMandatory()

const outOption = (): Option =>
  new Option('--out <file>', 'a new file; one in backup.folder of the settings unless told')

const recipientOption = (): Option =>
  new Option(
    '--recipient <recipients...>',
    'who may open it; those of backup.recipients in the settings unless told',
  )

export const addBackup = (program: Command, actions: BackupActions, done: Done): void => {
  program
    .command('recovery-key')
    .description('make a key that opens backups, and print its public recipient')
    .requiredOption('--out <file>', 'a new file for the key; keep it away from the appliance')
    .option('--x25519', 'not post-quantum, for tools that know no other kind')
    .addOption(jsonOption())
    .action(async (options: RecoveryKeyOptions) => done(await actions.recoveryKey(options)))
  program
    .command('backup')
    .description('write the whole realm into one sealed file, while it serves')
    .addOption(configOption())
    .addOption(outOption())
    .addOption(recipientOption())
    .addOption(jsonOption())
    .addHelpText('after', BACKUP_HELP)
    .action(async (options: BackupOptions) => done(await actions.backup(options)))
  addRestoring(program, actions, done)
  program
    .command('upgrade')
    .description('bring the database to this program’s schema, after a backup')
    .addOption(configOption())
    .addOption(outOption())
    .addOption(recipientOption())
    .option('--no-backup', 'without one: there is no way back')
    .addOption(jsonOption())
    .action(async (options: UpgradeOptions) => done(await actions.upgrade(options)))
}

const BACKUP_HELP = `
In it: keys (wrapped), the audit log, the search index's counters, settings, every file that they name. Not in it: the
passphrase. Whoever puts it back needs the recovery key and the passphrase.`

const addRestoring = (program: Command, actions: BackupActions, done: Done): void => {
  program
    .command('restore')
    .description(
      'put a backup back into an empty folder; nothing is touched unless all of it is whole',
    )
    .argument('<backup>', 'the file')
    .addOption(recoveryKeyOption())
    .requiredOption('--realm <domain>', 'whose backup it must be')
    .requiredOption('--to <folder>', 'a folder that is empty or does not exist')
    .option('--store <file>', 'a store section (JSON) to use instead of the one in the backup')
    .option('--sha256 <hex>', 'what the file must be, as the audit log says (backup.written)')
    .addOption(jsonOption())
    .addHelpText('after', RESTORE_HELP)
    .action(async (backup: string, options: Omit<RestoreOptions, 'backup'>) =>
      done(await actions.restore({ backup, ...options })),
    )
  program
    .command('rehearse-restore')
    .description('put a backup back into a sandbox, try every key, and report to the audit log')
    .argument('<backup>', 'the file')
    .addOption(configOption())
    .addOption(recoveryKeyOption())
    .requiredOption(
      '--sandbox <folder>',
      'a folder that is empty or does not exist; taken away again',
    )
    .addOption(passphraseOption())
    .option('--keep', 'leave the sandbox; it holds private keys')
    .addOption(jsonOption())
    .addHelpText('after', REHEARSE_HELP)
    .action(async (backup: string, options: Omit<RehearseOptions, 'backup'>) =>
      done(await actions.rehearseRestore({ backup, ...options })),
    )
}

const RESTORE_HELP = `
The log goes on as another one, and says that it was put back. Copies that the realm had shipped, and its witnesses,
show what happened after the backup was made.`

const REHEARSE_HELP = `
Ends with 1 if what was put back would not serve.`
