// `keyrealm init`: a settings file is written, or the one that is there is taken, and the realm is begun. Everything is
// read and judged before anything is written; nothing that exists is overwritten.

import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { CliOutput, InitOptions } from '../../admin/index.ts'
import {
  type Answers,
  completeSettings,
  loadAnswers,
  loadSettings,
  namedPaths,
  parseAnswers,
  parseSettings,
  type Settings,
} from '../../config/index.ts'
import { DONE } from '../beside.ts'
import { assertSoundAnchors } from '../carrier-files.ts'
import { CommandError } from '../command-error.ts'
import { openTerminal } from '../terminal.ts'
import { askAnswers, askOn } from './ask.ts'
import { type Beginning, beginRealm, typedPassphrase } from './begin.ts'
import {
  type ReadCertificates,
  readCertificates,
  requestFile,
  requestIdentity,
  requestLink,
  takeIdentity,
  takeSigned,
  takeSignedLink,
  writeLink,
} from './certificates.ts'

interface Made {
  readonly domain: string
  /** What somebody has to do before the realm can serve. */
  readonly next: readonly string[]
}

const answersFor = async (file: string | undefined, config: string): Promise<Answers> => {
  if (file !== undefined) return loadAnswers(file, config)
  if (process.stdin.isTTY !== true) {
    throw new CommandError(
      'main.no-answers',
      `${config} does not exist, and there is nobody to ask and no --answers file`,
    )
  }
  const terminal = openTerminal()
  try {
    return parseAnswers(await askAnswers(askOn(terminal), config), 'your answers', config)
  } finally {
    terminal.close()
  }
}

/** Made by init itself. */
const MADE = new Set(['unlock.sealedFile'])
const MADE_LINK = new Set(['core.certificateFile', 'core.keyFile'])

const assertFiles = (raw: unknown, config: string, answers: Answers): void => {
  const isMade = (setting: string): boolean =>
    MADE.has(setting) || (answers.linkCertificate !== undefined && MADE_LINK.has(setting))
  for (const { setting, path, role } of namedPaths(raw)) {
    if (role !== 'kept' || isMade(setting)) continue
    const file = resolve(dirname(config), path)
    if (statSync(file, { throwIfNoEntry: false }) === undefined) {
      throw new CommandError('main.file-missing', `${setting} names ${file}, which does not exist`)
    }
  }
}

const assertNothingInTheWay = ({ core }: Settings, answers: Answers): void => {
  if (answers.linkCertificate === undefined) return
  const found = [core.certificateFile, core.keyFile].find((file) => existsSync(file))
  if (found === undefined) return
  throw new CommandError('main.file-exists', `${found} exists and is not overwritten`)
}

const writeSettings = (config: string, raw: unknown): void => {
  mkdirSync(dirname(config), { recursive: true, mode: 0o755 })
  const text = `${JSON.stringify(raw, undefined, 2)}\n`
  writeFileSync(config, text, { mode: 0o640, flag: 'wx', flush: true })
}

const requested = (what: string, file: string, option: string): string =>
  `have your authority sign ${file} (${what}), then: keyrealm init --continue ${option} <signed chain>`

const certify = async (
  config: string,
  beginning: Beginning,
  { answers, read }: { answers: Answers; read: ReadCertificates },
): Promise<readonly string[]> => {
  const next: string[] = []
  const { settings } = beginning
  const { identity, link } = read
  await beginRealm(config, beginning, async (realm, passphrase) => {
    if (identity !== undefined) return takeIdentity(realm, identity)
    const file = await requestIdentity(settings, passphrase)
    next.push(requested('the realm’s identity', file, '--chain'))
  })
  if (link !== undefined) writeLink(settings, link)
  if (answers.linkCertificate?.kind === 'request') {
    next.push(requested('the line to the core', await requestLink(settings), '--link-chain'))
  }
  return next
}

/** What has begun is brought to its end, in a second or two: Ctrl-C would leave half a realm. */
const uninterrupted = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  const stay = (): void => undefined
  process.on('SIGINT', stay)
  try {
    return await work()
  } finally {
    process.off('SIGINT', stay)
  }
}

const makeNew = async (config: string, options: InitOptions): Promise<Made> => {
  const answers = await answersFor(options.answers, config)
  const raw = completeSettings(answers)
  const settings = parseSettings(raw, config)
  assertFiles(raw, config, answers)
  assertNothingInTheWay(settings, answers)
  assertSoundAnchors(settings)
  const read = readCertificates(answers, settings)
  const { passphraseFile } = options
  const typed = await typedPassphrase(settings, passphraseFile)
  return uninterrupted(async () => {
    writeSettings(config, raw)
    const beginning = { settings, passphraseFile, typed }
    const next = await certify(config, beginning, { answers, read })
    return { domain: settings.realm.domain, next }
  })
}

/** With settings that are there: begins what is not begun, takes in what was signed meanwhile. */
const goOn = async (config: string, options: InitOptions): Promise<Made> => {
  const settings = loadSettings(config)
  assertSoundAnchors(settings)
  const { chain, linkChain, passphraseFile } = options
  const typed = await typedPassphrase(settings, passphraseFile)
  const beginning = { settings, passphraseFile, typed }
  const hasIdentity = await uninterrupted(async () => {
    if (linkChain !== undefined) takeSignedLink(settings, linkChain)
    return beginRealm(config, beginning, async (realm, passphrase) => {
      if (chain !== undefined) await takeSigned(realm, passphrase, chain)
      return (await realm.store.read((tx) => tx.staticKeys.all())).length > 0
    })
  })
  return { domain: settings.realm.domain, next: missing(config, settings, hasIdentity) }
}

/** What an init that was cut off, or whose requests are not signed yet, has left to do. */
const missing = (config: string, settings: Settings, hasIdentity: boolean): readonly string[] => {
  const { core } = settings
  const [identity, link] = [requestFile(settings, 'identity'), requestFile(settings, 'link')]
  const forIdentity = existsSync(identity)
    ? requested('the realm’s identity', identity, '--chain')
    : `give the realm its certificate: keyrealm identity import --config ${config} --key <key> --chain <chain>`
  const forLink = existsSync(link)
    ? requested('the line to the core', link, '--link-chain')
    : `put the line’s certificate and key into ${core.certificateFile} and ${core.keyFile}`
  return [
    ...(hasIdentity ? [] : [forIdentity]),
    ...(existsSync(core.certificateFile) ? [] : [forLink]),
  ]
}

/** What the operator of the core needs to know of the realm. */
const registration = (config: string) => {
  const { domain, organizations } = loadSettings(config).realm
  return { domain, organizationIds: organizations.map(({ id }) => id) }
}

const print = (output: CliOutput, config: string, made: Made, json: true | undefined): void => {
  const core = registration(config)
  if (json === true) return output.out(`${JSON.stringify({ ...made, config, core })}\n`)
  output.out(`initialized ${made.domain}\n`)
  for (const step of made.next) output.out(`next: ${step}\n`)
}

export const init = async (options: InitOptions, output: CliOutput): Promise<number> => {
  const config = resolve(options.config)
  const isThere = existsSync(config)
  if (isThere && options.answers !== undefined) {
    throw new CommandError('main.file-exists', `${config} exists and is not overwritten`)
  }
  const isSigned = options.chain !== undefined || options.linkChain !== undefined
  if (isSigned !== (options.continue === true) || (isSigned && !isThere)) {
    throw new CommandError(
      'main.nothing-pending',
      '--continue takes in a signed chain (--chain or --link-chain) for a realm that init began',
    )
  }
  const made = isThere ? await goOn(config, options) : await makeNew(config, options)
  print(output, config, made, options.json)
  return DONE
}
