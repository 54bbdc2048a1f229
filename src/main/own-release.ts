// `release.require: "logged"`: nothing is opened before the program has shown that it is a release which a pinned signer
// signed and logged, that no file of it was altered, and that it is not an older one put back. A program that lies
// about itself is not caught here; that is what `scripts/verify-release`, run from outside, is for.

import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { readNamedText, type Settings } from '../config/index.ts'
import {
  EVIDENCE,
  EVIDENCE_FILES,
  isReleaseProblem,
  judgeFiles,
  pinnedSigners,
  type ReleaseProblem,
  type VerifiedRelease,
  verifyRelease,
  wordsOfProblem,
} from '../release/index.ts'
import { CommandError } from './command-error.ts'
import { filesAtHome, HOME, readEvidence } from './own-files.ts'
import { keepSeen, readSeen } from './seen-checkpoint.ts'

const HOME_IN_MANIFEST = EVIDENCE.replace(/release\/$/, '')

/** Options that take rights away or set sizes; any other could load code that no manifest knows. */
const HARMLESS =
  /^--(?:permission|allow-[a-z-]+(?:=.*)?|disable-proto=(?:delete|throw)|disable-sigusr1|max-old-space-size=\d+|secure-heap(?:-min)?=\d+)$/

/**
 * What Node, its TLS and the dynamic linker obey: code to load, cached machine code, whom to trust, what to print. All
 * of it is meant for other programs. NODE_ENV tells Node nothing.
 */
const OBEYED = /^(?:NODE_(?!ENV$)|LD_|OPENSSL_|SSL_CERT_)/

/** How this process was started; handed in, so that tests can say otherwise. */
export interface HowStarted {
  readonly execPath: string
  /** The file that Node was told to run. */
  readonly program: string | undefined
  readonly execArgv: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The two files of a release that a start must begin with. */
export interface OwnStart {
  readonly runtime: string
  readonly program: string
}

const isSame = (file: string | undefined, own: string): boolean => {
  try {
    return file !== undefined && realpathSync(file) === own
  } catch {
    return false
  }
}

/** Is the process the release's own, with nothing loaded before it or beside it? */
export const judgeStart = (started: HowStarted, own: OwnStart): ReleaseProblem | undefined => {
  if (!isSame(started.execPath, own.runtime)) return { problem: 'release.foreign-runtime' }
  if (!isSame(started.program, own.program)) return { problem: 'release.foreign-program' }
  const { execArgv, environment } = started
  const foreign =
    execArgv.find((option) => !HARMLESS.test(option)) ??
    // The name only: a value may be anything.
    Object.keys(environment).find((name) => OBEYED.test(name) && environment[name] !== '')
  return foreign === undefined ? undefined : { problem: 'release.foreign-options', at: foreign }
}

const howStarted = (): HowStarted => ({
  execPath: process.execPath,
  program: process.argv[1],
  execArgv: process.execArgv,
  environment: process.env,
})

const ownStart: OwnStart = {
  runtime: join(HOME, 'bin/node'),
  program: join(HOME, 'program/keyrealm.mjs'),
}

const examine = (
  signersText: string,
  seen: string | undefined,
): VerifiedRelease | ReleaseProblem => {
  const signers = pinnedSigners(signersText)
  if (isReleaseProblem(signers)) return signers
  const release = verifyRelease(readEvidence, signers, seen)
  if (isReleaseProblem(release)) return release
  const files = judgeFiles(release.manifest, HOME_IN_MANIFEST, filesAtHome(HOME_IN_MANIFEST))
  return files ?? judgeStart(howStarted(), ownStart) ?? release
}

/** What the start would find, where the settings require a release; nothing is remembered. */
export const examineRelease = (
  settings: Settings,
): VerifiedRelease | ReleaseProblem | undefined => {
  const { signersFile } = settings.release
  if (settings.release['require'] === 'nothing' || signersFile === undefined) return undefined
  return examine(readNamedText(signersFile), readSeen(settings))
}

/**
 * The release that runs, where the settings require one; throws a CommandError with the code of the problem if this is
 * none. What was accepted is remembered, so that the next start sees an older release put back.
 */
export const requireRelease = (settings: Settings): VerifiedRelease | undefined => {
  const release = examineRelease(settings)
  if (release === undefined) return undefined
  if (isReleaseProblem(release)) {
    throw new CommandError(
      release.problem,
      `${wordsOfProblem(release)}; install a release that your signers signed, or see release.require`,
    )
  }
  keepSeen(settings, new TextDecoder().decode(readEvidence(`${EVIDENCE_FILES.log}checkpoint`)))
  return release
}
