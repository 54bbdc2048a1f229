// What commands share: a realm opened beside a running server, and lists printed as columns.

import type { CliOutput, WithConfig } from '../admin/index.ts'
import { loadSettings } from '../config/index.ts'
import { openRealm, type Realm } from './assembly.ts'
import { printable } from './printable.ts'
import { refuseRestored } from './restored.ts'

export const DONE = 0
export const FAILED = 1
export const SYSTEM = { kind: 'system' } as const

export type Row = readonly (string | number)[]

/** Opens the realm of a settings file, does the work, and closes it again. For commands that read: evidence stays readable. */
export const besideAsFound = async <Result>(
  config: string,
  work: (realm: Realm) => Promise<Result>,
): Promise<Result> => {
  const realm = await openRealm(loadSettings(config))
  try {
    return await work(realm)
  } finally {
    await realm.store.close()
  }
}

/**
 * For commands that change something: on a database put back from a copy they do nothing until somebody has looked,
 * as the server does (`audit.log-behind`, `audit.log-forked`, `audit.log-unreadable`).
 */
export const beside = <Result>(
  config: string,
  work: (realm: Realm) => Promise<Result>,
): Promise<Result> =>
  besideAsFound(config, async (realm) => {
    await refuseRestored(realm)
    return work(realm)
  })

const columns = (row: Row): string => row.map((cell) => printable(`${cell}`)).join('\t')

/** A row a line: columns, or for programs a JSON array. */
export const printRows = (rows: readonly Row[], output: CliOutput, json?: true): void => {
  for (const row of rows) output.out(`${json === true ? JSON.stringify(row) : columns(row)}\n`)
}

export const listing = (
  { config, json }: WithConfig,
  output: CliOutput,
  rows: (realm: Realm) => Promise<readonly Row[]>,
): Promise<number> =>
  besideAsFound(config, async (realm) => {
    printRows(await rows(realm), output, json)
    return DONE
  })
