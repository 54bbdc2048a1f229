// The commands of the audit log: reading it, taking it away, proving and checking what it says.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Done, ExitCode, WithConfig } from './cli.ts'
import { configOption, jsonOption, wholeOption } from './cli-options.ts'
import { addWitnesses, type WitnessActions } from './cli-witness.ts'

export interface AuditShowOptions extends WithConfig {
  readonly after: number
  readonly limit: number
}

export interface AuditSearchOptions extends AuditShowOptions {
  readonly actor?: string
  readonly action?: string
  readonly outcome?: string
  /** A URI of a key, resource, session or authorization, wherever an entry names it. */
  readonly uri?: string
  readonly from?: string
  readonly to?: string
}

export interface AuditExportOptions extends WithConfig {
  readonly to: string
}

export interface AuditProveOptions extends WithConfig {
  readonly sequence: number
}

export interface AuditConsistencyOptions extends WithConfig {
  /** A checkpoint file. */
  readonly from: string
}

export interface AuditVerifyOptions {
  readonly directory: string
  readonly key: readonly string[]
  readonly since: readonly string[]
  readonly witness: readonly string[]
  readonly quorum?: number
  readonly maxAge?: number
  /** Where verifying is recorded, if the realm is at hand. */
  readonly config?: string
}

export interface AuditRotateOptions extends WithConfig {
  /** The second step: the old keys sign no more. */
  readonly retire?: true
}

export interface AuditEraseOptions extends WithConfig {
  readonly id: string
  readonly yes?: true
}

export interface AuditReconcileOptions {
  /** The realm whose log is read, and where this is recorded. */
  readonly config?: string
  readonly export?: string
  readonly since?: string
  readonly until?: string
  readonly expectReceipts?: true
  readonly json?: true
}

export interface AuditActions extends WitnessActions {
  auditShow(options: AuditShowOptions): Promise<ExitCode>
  auditSearch(options: AuditSearchOptions): Promise<ExitCode>
  auditKey(options: WithConfig): Promise<ExitCode>
  auditExport(options: AuditExportOptions): Promise<ExitCode>
  auditProve(options: AuditProveOptions): Promise<ExitCode>
  auditConsistency(options: AuditConsistencyOptions): Promise<ExitCode>
  auditVerify(options: AuditVerifyOptions): Promise<ExitCode>
  auditReconcile(options: AuditReconcileOptions): Promise<ExitCode>
  auditErase(options: AuditEraseOptions): Promise<ExitCode>
  auditAcceptRestore(options: WithConfig): Promise<ExitCode>
  auditRotateKey(options: AuditRotateOptions): Promise<ExitCode>
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const whole = (raw: string): number => {
  if (!/^\d{1,15}$/.test(raw)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(raw)
}

const pages = (command: Command): Command =>
  command
    .addOption(configOption())
    .addOption(wholeOption('--after <sequence>', 'only entries after this one', 0))
    .addOption(wholeOption('--limit <count>', 'at most so many', 100))
    .addOption(jsonOption())

const addReading = (audit: Command, actions: AuditActions, done: Done): void => {
  pages(audit.command('show').description('print entries in order')).action(
    async (options: AuditShowOptions) => done(await actions.auditShow(options)),
  )
  pages(audit.command('search').description('print entries that say all of this, in order'))
    .option('--actor <pseudonym>', 'who did it, or as whom')
    .option('--action <action>', 'what was done, e.g. key.released')
    .addOption(new Option('--outcome <outcome>', 'how').choices(['done', 'refused', 'failed']))
    .option('--uri <uri>', 'a key, resource, session or authorization that the entry names')
    .option('--from <time>', 'not before (RFC 3339, UTC)')
    .option('--to <time>', 'before (RFC 3339, UTC)')
    .action(async (options: AuditSearchOptions) => done(await actions.auditSearch(options)))
  audit
    .command('key')
    .description('print the keys that sign the log, as auditors need them')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.auditKey(options)))
}

const addRotation = (audit: Command, actions: AuditActions, done: Done): void => {
  audit
    .command('rotate-key')
    .description('make new keys that sign the log beside the old ones; prints them for auditors')
    .addOption(configOption())
    .option(
      '--retire',
      'then: the old keys sign no more, their last checkpoint vouches for the new',
    )
    .action(async (options: AuditRotateOptions) => done(await actions.auditRotateKey(options)))
}

const addProofs = (audit: Command, actions: AuditActions, done: Done): void => {
  audit
    .command('export')
    .description('copy what is published into a folder, for auditors; again adds what is new')
    .addOption(configOption())
    .requiredOption('--to <directory>', 'the folder')
    .action(async (options: AuditExportOptions) => done(await actions.auditExport(options)))
  audit
    .command('prove')
    .description('print a proof that an entry is in the log (C2SP tlog-proof)')
    .addOption(configOption())
    .addOption(
      new Option('--sequence <sequence>', 'which entry').argParser(whole).makeOptionMandatory(),
    )
    .action(async (options: AuditProveOptions) => done(await actions.auditProve(options)))
  audit
    .command('consistency')
    .description('print a proof that the log has only grown since a checkpoint')
    .addOption(configOption())
    .requiredOption('--from <checkpoint>', 'the file of the older checkpoint')
    .action(async (options: AuditConsistencyOptions) =>
      done(await actions.auditConsistency(options)),
    )
  audit
    .command('accept-restore')
    .description('go on from a database put back from a copy: as a new log, which says so')
    .addOption(configOption())
    .action(async (options: WithConfig) => done(await actions.auditAcceptRestore(options)))
}

const addVerify = (audit: Command, actions: AuditActions, done: Done): void => {
  audit
    .command('verify')
    .argument('<directory>', 'an export, or a copy of what is served below /log/')
    .description('intact? complete? 4: not intact, 8: not complete, 12: neither')
    .option('--key <key>', 'a key of the log, or a file of them; more than once', gather, [])
    .option('--since <checkpoint>', 'an older checkpoint or export; more than once', gather, [])
    .option('--witness <key>', 'a key of a witness, or a file of them; more than once', gather, [])
    .addOption(new Option('--quorum <count>', 'so many witnesses; all by default').argParser(whole))
    .addOption(
      new Option('--max-age <seconds>', 'the newest checkpoint may be so old').argParser(whole),
    )
    .option('--config <file>', 'the settings file of the realm, to record that it was verified')
    .action(async (directory: string, options: Omit<AuditVerifyOptions, 'directory'>) =>
      done(await actions.auditVerify({ ...options, directory })),
    )
}

const addReconcile = (audit: Command, actions: AuditActions, done: Done): void => {
  audit
    .command('reconcile')
    .description(
      'match every key that left with a receipt or a standing grant, print what matches nothing',
    )
    .addHelpText(
      'after',
      '\nExit: 4 keys that left and no device acknowledged, 8 uses that no release explains, 12 both.' +
        '\nIt believes the log: verify first. Devices that send no receipts are counted, not accused,' +
        '\nunless --expect-receipts says that every client of this realm sends them.',
    )
    .option('--config <file>', 'the settings file of the realm')
    .option('--export <directory>', 'read an export instead; with --config it is recorded there')
    .option('--since <time>', 'judge what was recorded from then on (RFC 3339, UTC)')
    .option('--until <time>', 'judge what was recorded before then (RFC 3339, UTC)')
    .option(
      '--expect-receipts',
      'a key that left to a device without any receipt is an orphan, too',
    )
    .option('--json', 'for programs: one object a line, the totals last')
    .action(async (options: AuditReconcileOptions) => done(await actions.auditReconcile(options)))
}

const addErase = (audit: Command, actions: AuditActions, done: Done): void => {
  audit
    .command('erase')
    .argument('<id>', 'the user id')
    .description(
      'make the entries about somebody who left anonymous, for good; proofs still verify',
    )
    .addOption(configOption())
    .option('--yes', 'yes, this cannot be undone')
    .action(async (id: string, options: Omit<AuditEraseOptions, 'id'>) =>
      done(await actions.auditErase({ ...options, id })),
    )
}

/** Answers the group, for commands that are declared elsewhere. */
export const addAudit = (program: Command, actions: AuditActions, done: Done): Command => {
  const audit = program.command('audit').description('the audit log')
  addReading(audit, actions, done)
  addProofs(audit, actions, done)
  addRotation(audit, actions, done)
  addVerify(audit, actions, done)
  addWitnesses(audit, actions, done)
  addReconcile(audit, actions, done)
  addErase(audit, actions, done)
  return audit
}
