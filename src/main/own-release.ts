// `release.require: "logged"`: nothing is opened before the program has shown that it is a release which a pinned signer
// signed and logged, that no file of it was altered, and that it is not an older one put back. A program that lies
// about itself is not caught here; that is what `scripts/verify-release`, run from outside, is for.

import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../config/index.ts'
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

const HOME_IN_MANIFEST = EVIDENCE.replace(/release\/$/, '')

/** Options that take rights away or set sizes; any other could load code that no manifest knows. */
const HARMLESS =
  /^--(?:permission|allow-[a-z-]+(?:=.*)?|disable-proto=(?:delete|throw)|disable-sigusr1|max-old-space-size=\d+|secure-heap(?:-min)?=\d+)$/

/** How this process was started; handed in, so that tests can say otherwise. */
export interface HowStarted {
  readonly execPath: string
  readonly execArgv: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The checkpoint of the release log that was accepted at the last start. */
const seenFile = ({ realm }: Settings): string =>
  join(realm.stateDirectory, 'release-log-checkpoint')

const readSeen = (settings: Settings): string | undefined => {
  try {
    return readFileSync(seenFile(settings), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Is the process the release's own, with nothing loaded beside it? */
export const judgeStart = (started: HowStarted, runtime: string): ReleaseProblem | undefined => {
  if (realpathSync(started.execPath) !== runtime) return { problem: 'release.foreign-runtime' }
  const foreign = started.execArgv.find((option) => !HARMLESS.test(option))
  if (foreign !== undefined) return { problem: 'release.foreign-options', at: foreign }
  const { NODE_OPTIONS = '' } = started.environment
  return NODE_OPTIONS === ''
    ? undefined
    : { problem: 'release.foreign-options', at: 'NODE_OPTIONS' }
}

const howStarted = (): HowStarted => ({
  execPath: process.execPath,
  execArgv: process.execArgv,
  environment: process.env,
})

const examine = (
  signersText: string,
  seen: string | undefined,
): VerifiedRelease | ReleaseProblem => {
  const signers = pinnedSigners(signersText)
  if (isReleaseProblem(signers)) return signers
  const release = verifyRelease(readEvidence, signers, seen)
  if (isReleaseProblem(release)) return release
  const files = judgeFiles(release.manifest, HOME_IN_MANIFEST, filesAtHome(HOME_IN_MANIFEST))
  return files ?? judgeStart(howStarted(), join(HOME, 'bin/node')) ?? release
}

/**
 * The release that runs, where the settings require one; throws a CommandError with the code of the problem if this is
 * none. What was accepted is remembered, so that the next start sees an older release put back.
 */
export const requireRelease = (settings: Settings): VerifiedRelease | undefined => {
  const { signersFile } = settings.release
  if (settings.release['require'] === 'nothing' || signersFile === undefined) return undefined
  const release = examine(readFileSync(signersFile, 'utf8'), readSeen(settings))
  if (isReleaseProblem(release)) {
    throw new CommandError(
      release.problem,
      `${wordsOfProblem(release)}; install a release that your signers signed, or see release.require`,
    )
  }
  const checkpoint = readEvidence(`${EVIDENCE_FILES.log}checkpoint`) ?? new Uint8Array()
  writeFileSync(seenFile(settings), checkpoint, { mode: 0o600 })
  return release
}
