// `keyrealm preflight`: looks at everything that a start would need, and at what would hurt later; changes nothing.

import { dirname, resolve } from 'node:path'
import type { CliOutput } from '../../admin/index.ts'
import {
  loadSettings,
  mapPaths,
  parseSettingsText,
  readNamedText,
  type Settings,
} from '../../config/index.ts'
import { askAdmin } from '../ask-admin.ts'
import { DONE, FAILED } from '../beside.ts'
import { checkCertificates } from './certificates.ts'
import { checkDatabase } from './database.ts'
import { type Finding, type Means, systemMeans } from './finding.ts'
import { checkBackups, checkDisks, checkEntropy, checkFiles, checkPorts } from './machine.ts'
import { checkClock, checkCore, checkNames } from './network.ts'
import { checkRelease, checkUnlock } from './start.ts'

const isRunning = (settings: Settings): Promise<boolean> =>
  askAdmin(settings, 'GET', 'status').then(
    () => true,
    () => false,
  )

const absolutePaths = (config: string): unknown =>
  mapPaths(parseSettingsText(readNamedText(config), config), (_setting, path) =>
    resolve(dirname(resolve(config)), path),
  )

/** Every finding, in the order in which they are best put right. Throws `SettingsError` for settings that are none. */
export const preflight = async (
  config: string,
  means: Means = systemMeans,
): Promise<readonly Finding[]> => {
  const settings = loadSettings(config)
  const files = checkFiles(absolutePaths(config), settings)
  // The rest would only say again that files are missing.
  const isReadable = !files.some(({ level }) => level === 'error')
  return [
    ...files,
    ...checkCertificates(settings, means),
    ...checkEntropy(means),
    ...checkDisks(settings, means),
    ...((await isRunning(settings)) ? [] : await checkPorts(settings, means)),
    ...(await checkNames(settings, means)),
    ...(isReadable
      ? [
          ...checkRelease(settings),
          ...checkUnlock(settings),
          ...(await checkDatabase(settings, means)),
          ...(await checkCore(settings, means)),
          ...(await checkClock(settings, means)),
        ]
      : []),
    ...checkBackups(settings),
  ]
}

const printed = ({ check, level, what, why, remedy }: Finding): string =>
  `${level}  ${what}  (${check})\n       why: ${why}\n       do:  ${remedy}\n`

/** 1 if there is an error; warnings alone are 0. */
export const preflightCommand = async (
  config: string,
  json: true | undefined,
  output: CliOutput,
): Promise<number> => {
  const findings = await preflight(config)
  const errors = findings.filter(({ level }) => level === 'error').length
  if (json === true) output.out(`${JSON.stringify({ good: errors === 0, findings })}\n`)
  else {
    for (const finding of findings) output.out(printed(finding))
    output.out(`${errors} errors, ${findings.length - errors} warnings\n`)
  }
  return errors === 0 ? DONE : FAILED
}
