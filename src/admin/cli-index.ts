// Commands about the search index that need no realm: anybody can attack what ours would give the cloud.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Done, ExitCode } from './cli.ts'
import { jsonOption, wholeOption } from './cli-options.ts'

export interface IndexLabOptions {
  /** JSON lines; each file may be compressed (`.gz`). */
  readonly messages: string
  readonly out: string
  readonly terms?: string
  readonly expand?: string
  readonly queries?: string
  readonly trace?: string
  /** 32 bytes in hexadecimal; fresh ones unless told. */
  readonly seed?: string
  readonly language: string
  readonly json?: true
}

export interface IndexLeakageOptions {
  readonly messages: string
  readonly similar: string
  readonly seed?: string
  readonly language: string
  /** Skip so many messages, then take at most `limit`; 0 takes all. */
  readonly skip: number
  readonly limit: number
  readonly oneRoom?: true
  readonly json?: true
}

export interface IndexActions {
  indexLab(options: IndexLabOptions): Promise<ExitCode>
  indexLeakage(options: IndexLeakageOptions): Promise<ExitCode>
}

const seedOption = (): Option =>
  new Option(
    '--seed <hex>',
    'where its keys come from, 64 digits; the same seed, the same index',
  ).argParser((raw: string) => {
    if (!/^[0-9a-f]{64}$/i.test(raw)) throw new InvalidArgumentError('It must be 64 hex digits.')
    return raw
  })

const languageOption = (): Option =>
  new Option('--language <name>', 'whose words the rooms are in').default('english')

/** The group, for further commands. */
export const addIndex = (program: Command, actions: IndexActions, done: Done): Command => {
  const index = program
    .command('index')
    .description('the search index: the running one, and studied')
  index
    .command('lab')
    .description('make the index of a file of messages, exactly as the cloud would store it')
    .requiredOption('--messages <file>', 'JSON lines {room,messageId,user,time,text}')
    .requiredOption('--out <file>', 'postings {room,messageId,hashes}')
    .option('--terms <file>', 'JSON lines {room,word}')
    .option('--expand <file>', 'all hashes of those words {room,word,hashes}')
    .option('--queries <file>', 'JSON lines {room,word,count}')
    .option('--trace <file>', 'what is sent for them {room,word,hashes,count}')
    .addOption(seedOption())
    .addOption(languageOption())
    .addOption(jsonOption())
    .action(async (options: IndexLabOptions) => done(await actions.indexLab(options)))
  index
    .command('leakage')
    .description('attack the index of a file of messages, and say what it gives away')
    .requiredOption('--messages <file>', 'JSON lines {room,messageId,user,time,text}')
    .requiredOption('--similar <file>', 'messages that the attacker has')
    .addOption(seedOption())
    .addOption(languageOption())
    .addOption(wholeOption('--skip <count>', 'leave out the first messages', 0))
    .addOption(wholeOption('--limit <count>', 'then at most so many messages; 0 takes all', 0))
    .option('--one-room', 'as if all were said in one room')
    .addOption(jsonOption())
    .action(async (options: IndexLeakageOptions) => done(await actions.indexLeakage(options)))
  return index
}
