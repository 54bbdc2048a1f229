// The commands of `keyrealm`: names, options and help. It does nothing itself: each command is handed
// in, answers with an exit code, and is told what was asked. Mistakes in use exit with 2.

import { Command, CommanderError } from 'commander'
import { Fault } from '../fault.ts'
import { type AccessActions, addAccess, addLeaving, addMachines, addRooms } from './cli-access.ts'
import { type AuditActions, addAudit } from './cli-audit.ts'
import { addBackup, type BackupActions } from './cli-backup.ts'
import { addIndex, type IndexActions } from './cli-index.ts'
import { addIndexing, type IndexingActions } from './cli-indexing.ts'
import { configOption, jsonOption, passphraseOption } from './cli-options.ts'
import { addPeers, type PeerActions } from './cli-peers.ts'
import { addShipStatus, type ShipActions } from './cli-ship.ts'
import { addExamples } from './examples.ts'
import { nextStep } from './next-steps.ts'

/** 0 done, 1 refused or failed; see `keyrealm --help`. */
export type ExitCode = number

export interface WithConfig {
  /** Path of the settings file. */
  readonly config: string
  /** Present when programs read what is printed. */
  readonly json?: true
}

export interface UnlockOptions extends WithConfig {
  readonly passphraseFile?: string
}

export interface InitOptions extends UnlockOptions {
  readonly answers?: string
  readonly continue?: true
  readonly chain?: string
  readonly linkChain?: string
}

export type StatusOptions = WithConfig

export interface VersionOptions {
  readonly digests?: true
  readonly config?: string
  readonly json?: true
}

export interface IdentityImportOptions extends WithConfig {
  readonly key: string
  readonly chain: string
}

export interface UsersImportOptions extends WithConfig {
  readonly file: string
}

/** One function for each command. A thrown error is printed as one line with its code. */
export interface CliActions
  extends AccessActions,
    AuditActions,
    BackupActions,
    ShipActions,
    IndexActions,
    IndexingActions,
    PeerActions {
  serve(options: WithConfig): Promise<ExitCode>
  init(options: InitOptions): Promise<ExitCode>
  /** 1 if something would keep the realm from starting, or from being safe. */
  preflight(options: StatusOptions): Promise<ExitCode>
  status(options: StatusOptions): Promise<ExitCode>
  configCheck(options: WithConfig): Promise<ExitCode>
  configSchema(): Promise<ExitCode>
  lock(options: WithConfig): Promise<ExitCode>
  unlock(options: UnlockOptions): Promise<ExitCode>
  identityImport(options: IdentityImportOptions): Promise<ExitCode>
  identityList(options: WithConfig): Promise<ExitCode>
  usersImport(options: UsersImportOptions): Promise<ExitCode>
  usersList(options: WithConfig): Promise<ExitCode>
  digests(options: VersionOptions): Promise<ExitCode>
}

export interface CliAbout {
  readonly version: string
}

/** Where the program writes: the streams of the process, or a test's. */
export interface CliOutput {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
}

const EXIT_DONE = 0
const EXIT_FAILED = 1
const EXIT_USAGE = 2
/** Settings that cannot be used: the EX_CONFIG of sysexits(3). They do not become better by trying again. */
const EXIT_UNUSABLE_SETTINGS = 78

export type Done = (code: ExitCode) => void

/**
 * The program. `done` is called with the exit code of the command that ran; parse with `parseAsync`.
 * Most callers want `runCli`, which also turns errors into exit codes.
 */
export const buildProgram = (actions: CliActions, about: CliAbout, done: Done): Command => {
  const program = new Command('keyrealm')
    .description('An on-premises security realm: it keeps the keys, the cloud keeps the rest.')
    .version(about.version, '--version', 'print the version')
    .showHelpAfterError('(keyrealm --help shows every command)')
    .addHelpText('after', AFTER_HELP)
  addRunning(program, actions, done)
  addSettings(program, actions, done)
  addIdentity(program, actions, done)
  addLists(program, actions, done)
  addBackup(program, actions, done)
  addRooms(program, actions, done)
  addMachines(program, actions, done)
  addPeers(program, actions, done)
  addAccess(program, actions, done)
  addShipStatus(addAudit(program, actions, done), actions, done)
  addIndexing(addIndex(program, actions, done), actions, done)
  program
    .command('version')
    .description('print the version')
    .option('--digests', 'and the SHA-256 of everything that runs')
    .option('--config <file>', 'of this settings file, too')
    .option('--json', 'for programs')
    .action(async (options: VersionOptions) => {
      if (options.digests === true) return done(await actions.digests(options))
      program.configureOutput().writeOut?.(`${about.version}\n`)
      return done(EXIT_DONE)
    })
  addExamples(program)
  return program
}

const INIT_HELP = `
With a settings file that exists, whatever of its realm is missing is made. Nothing is overwritten.`

const PREFLIGHT_HELP = `
Changes nothing. Ends with 1 if there is an error; warnings alone are 0.`

const AFTER_HELP = `
The cloud core is a program of its own and never shares a process with a realm:
  keyrealm core --config <file>    run the reference cloud core (keyrealm core --help)

Exit codes: 0 done, 1 refused or failed, 2 used wrongly, 3 not stopped cleanly, 70 fault,
78 settings that cannot be used; audit verify: 4 not intact, 8 not complete, 12 neither.

What is printed to be read is one line of JSON, or one a row, with --json. A failure is one line with its code, and below it
what to do next.`

/** Runs one command line (without node and script) and resolves with the exit code. */
export const runCli = async (
  actions: CliActions,
  about: CliAbout,
  args: readonly string[],
  output: CliOutput,
): Promise<ExitCode> => {
  let code: ExitCode = EXIT_DONE
  const program = buildProgram(actions, about, (exitCode) => {
    code = exitCode
  })
  configure(program, output)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_DONE : EXIT_USAGE
    output.error(`keyrealm: ${wordsOf(error)}\n${adviceOn(error)}`)
    return codeOf(error) === 'config.invalid' ? EXIT_UNUSABLE_SETTINGS : EXIT_FAILED
  }
}

/** Children copy nothing that is set after them, so each is set. */
const configure = (command: Command, output: CliOutput): void => {
  command.exitOverride().configureOutput({ writeOut: output.out, writeErr: output.error })
  for (const child of command.commands) configure(child, output)
}

/** What the file system says, in words. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is no folder',
  EACCES: 'may not be used by this user',
  EPERM: 'may not be used by this user',
  EISDIR: 'is a folder',
  EEXIST: 'exists and is not overwritten',
  ENOSPC: 'has no space left',
  EDQUOT: 'has no space left for this user',
  EROFS: 'lies where nothing can be written',
  ELOOP: 'is a link that leads to itself',
  ENAMETOOLONG: 'has too long a name',
}

/** The code of ours that an error carries: `room.what`. A library's looks otherwise. */
const OUR_CODE = /^[a-z0-9]+\.[a-z0-9-]+$/

/**
 * `what (code)`. A Fault's only words are its code; an error of a library may have quoted its input, so only its class
 * is shown, and of the file system's the file and what is wrong with it.
 */
const wordsOf = (error: unknown): string => {
  if (error instanceof Fault) return `failed (${error.code})`
  if (!(error instanceof Error)) return 'failed (unknown)'
  const code = codeOf(error)
  if (typeof code !== 'string') return `failed (${error.name})`
  if (OUR_CODE.test(code)) return `${error.message} (${code})`
  const words = SYSTEM_WORDS[code]
  const file = 'path' in error && typeof error.path === 'string' ? error.path : 'a file'
  return words === undefined ? `failed (${code})` : `${file} ${words} (${code})`
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

/** What to do next, on a line of its own. */
const adviceOn = (error: unknown): string => {
  const code = codeOf(error)
  const step = typeof code === 'string' ? nextStep(code) : undefined
  return step === undefined ? '' : `${step}\n`
}

const addRunning = (program: Command, actions: CliActions, done: Done): void => {
  program
    .command('serve')
    .description('run the appliance until it is told to stop')
    .addOption(configOption())
    .action(async (options: WithConfig) => done(await actions.serve(options)))
  program
    .command('init')
    .description(
      'set up a realm: settings (asked for, or from a file), certificates, database, keys',
    )
    .addOption(configOption())
    .option('--answers <file>', 'what would be asked, as JSON; nobody is asked anything')
    .option('--continue', 'take in what an authority signed after init had requested it')
    .option('--chain <file>', 'with --continue: the signed identity and its issuers (PEM)')
    .option(
      '--link-chain <file>',
      'with --continue: the signed client certificate of the line (PEM)',
    )
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .addHelpText('after', INIT_HELP)
    .action(async (options: InitOptions) => done(await actions.init(options)))
  program
    .command('preflight')
    .description('look at everything that a start needs, and say what to put right and how')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', PREFLIGHT_HELP)
    .action(async (options: StatusOptions) => done(await actions.preflight(options)))
  program
    .command('status')
    .description('say how the running appliance is')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: StatusOptions) => done(await actions.status(options)))
  program
    .command('lock')
    .description('forget the main key; requests that need keys are refused until unlocked')
    .addOption(configOption())
    .action(async (options: WithConfig) => done(await actions.lock(options)))
  program
    .command('unlock')
    .description('give the passphrase to the running appliance')
    .addOption(configOption())
    .addOption(passphraseOption())
    .action(async (options: UnlockOptions) => done(await actions.unlock(options)))
}

const addSettings = (program: Command, actions: CliActions, done: Done): void => {
  const config = program.command('config').description('the settings file')
  config
    .command('check')
    .description('say what is wrong with the settings, without starting anything')
    .addOption(configOption())
    .action(async (options: WithConfig) => done(await actions.configCheck(options)))
  config
    .command('schema')
    .description('print the JSON Schema of the settings file')
    .action(async () => done(await actions.configSchema()))
}

const addIdentity = (program: Command, actions: CliActions, done: Done): void => {
  const identity = program.command('identity').description('the RSA identity of the realm')
  identity
    .command('import')
    .description('take over a private key and its certificate chain; the old one is kept')
    .addOption(configOption())
    .requiredOption('--key <file>', 'private key (PEM, readable by its owner only)')
    .requiredOption('--chain <file>', 'certificate chain (PEM), the leaf first')
    .action(async (options: IdentityImportOptions) => done(await actions.identityImport(options)))
  identity
    .command('list')
    .description('print the identities, the newest first')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.identityList(options)))
}

const addLists = (program: Command, actions: CliActions, done: Done): void => {
  const users = program.command('users').description('people whom the realm knows')
  users
    .command('import')
    .description('take over people and their organisations from a file')
    .addOption(configOption())
    .requiredOption('--file <file>', 'a JSON file of people')
    .action(async (options: UsersImportOptions) => done(await actions.usersImport(options)))
  users
    .command('list')
    .description('print the people whom the realm knows')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.usersList(options)))
  addLeaving(users, actions, done)
}
