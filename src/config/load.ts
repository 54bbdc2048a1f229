// Settings file → Settings, or the appliance does not start. Every problem is listed with its dotted
// path; no value is ever repeated, because it could be a secret in the wrong place.

import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { readJson } from './json-source.ts'
import { type Settings, settingsSchema } from './schema.ts'

export interface SettingsProblem {
  /** `listeners.health.port`; empty when the file as a whole is meant. */
  readonly path: string
  readonly problem: string
}

/** The settings cannot be used. `message` holds one line for each problem. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly code = 'config.invalid'
  readonly file: string
  readonly problems: readonly SettingsProblem[]

  constructor(file: string, problems: readonly SettingsProblem[]) {
    const lines = problems.map(({ path, problem }) =>
      path === '' ? `  the file ${problem}` : `  ${path} ${problem}`,
    )
    super([`${file} cannot be used:`, ...lines].join('\n'))
    this.file = file
    this.problems = problems
  }
}

const FILE_MAX_BYTES = 1024 * 1024
const WORLD_WRITABLE = 0o002

/**
 * Reads and checks a settings file. Relative paths in it count from its folder. Reads no secret.
 * Throws `SettingsError` with every problem found.
 */
export const loadSettings = (file: string): Settings =>
  parseSettings(readJsonFile(file), resolve(file))

/** The value of a strict JSON file that not everybody may change; not checked further. Throws `SettingsError`. */
export const readJsonFile = (file: string): unknown => {
  const absolute = resolve(file)
  return parseSettingsText(readSettingsFile(absolute), absolute)
}

/** The value of a settings text, members that stand twice refused; not checked further. */
export const parseSettingsText = (text: string, file: string): unknown => {
  const source = readJson(text)
  if ('problems' in source) throw new SettingsError(file, source.problems.map(nameSafely))
  return source.value
}

/** Checks a settings value as if it stood in `file`. */
export const parseSettings = (raw: unknown, file: string): Settings =>
  checkedWith(settingsSchema(dirname(file)), raw, file)

/**
 * What is wrong with the setting at `path` (`realm.organizations.0.id`), whatever may be wrong with others or missing;
 * undefined if nothing is.
 */
export const problemAt = (raw: unknown, file: string, path: string): string | undefined => {
  const parsed = settingsSchema(dirname(file)).safeParse(raw, { error: wordsFor })
  return parsed.error?.issues
    .flatMap(toProblems)
    .find((one) => one.path === path || path.startsWith(`${one.path}.`))?.problem
}

/** A value as declared. Throws `SettingsError` with every problem in our words. */
export const checkedWith = <Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  file: string,
): z.output<Schema> => {
  const parsed = schema.safeParse(raw, { error: wordsFor })
  if (parsed.success) return parsed.data
  throw new SettingsError(file, parsed.error.issues.flatMap(toProblems))
}

const readSettingsFile = (file: string): string => {
  let size: number
  let mode: number
  let isFile: boolean
  try {
    const stats = statSync(file)
    size = stats.size
    mode = stats.mode
    isFile = stats.isFile()
  } catch (error) {
    throw unreadable(file, error)
  }
  if (!isFile) throw new SettingsError(file, [{ path: '', problem: 'is not a file' }])
  if (size > FILE_MAX_BYTES) throw new SettingsError(file, [{ path: '', problem: 'is too large' }])
  if ((mode & WORLD_WRITABLE) !== 0) {
    throw new SettingsError(file, [{ path: '', problem: 'may be changed by anyone (chmod o-w)' }])
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    if (error instanceof TypeError) {
      throw new SettingsError(file, [{ path: '', problem: 'is not UTF-8' }])
    }
    throw unreadable(file, error)
  }
}

const unreadable = (file: string, error: unknown): unknown => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return new SettingsError(file, [{ path: '', problem: 'does not exist' }])
  if (code === 'EACCES') return new SettingsError(file, [{ path: '', problem: 'is not readable' }])
  return error
}

const toProblems = (issue: z.core.$ZodIssue): SettingsProblem[] => {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) =>
      nameSafely({ path: [...path, key].join('.'), problem: 'is not a setting' }),
    )
  }
  return [nameSafely({ path: path.join('.'), problem: issue.message })]
}

/** Our words for zod's issues; messages given in the declaration win over these. */
const wordsFor = (issue: z.core.$ZodRawIssue): string => {
  if (issue.input === undefined) return 'is missing'
  switch (issue.code) {
    case 'invalid_type':
      return `must be of type ${issue.expected}`
    case 'too_small':
      return `must be at least ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}`
    case 'invalid_value':
      return `must be one of ${issue.values?.map(String).join(', ')}`
    case 'invalid_union':
      return typeof issue['discriminator'] === 'string'
        ? 'must be one of the known kinds'
        : 'has none of the allowed forms'
    default:
      return 'is not allowed'
  }
}

const PRINTABLE_PATH = /^[\w$@.-]{0,200}$/

const nameSafely = (problem: SettingsProblem): SettingsProblem =>
  PRINTABLE_PATH.test(problem.path) ? problem : { ...problem, path: '[unprintable name]' }
