// `keyrealm audit ship-status`: asks the running appliance, because only it knows what it is trying at the moment.

import type { CliOutput } from '../admin/index.ts'
import { loadSettings } from '../config/index.ts'
import { askAdmin } from './ask-admin.ts'
import { DONE, FAILED, printRows } from './beside.ts'
import { CommandError } from './command-error.ts'

const COLUMNS = [
  'destination',
  'state',
  'delivered',
  'lagEntries',
  'lagSeconds',
  'lastError',
] as const

type Status = Readonly<Record<string, unknown>>

const isStatus = (raw: unknown): raw is Status => typeof raw === 'object' && raw !== null

export const shipStatusCommand = async (
  config: string,
  isForPrograms: boolean,
  output: CliOutput,
): Promise<number> => {
  const { destinations } = await askAdmin(loadSettings(config), 'GET', 'audit/shipping')
  if (!Array.isArray(destinations)) throw new CommandError('main.not-understood', 'no such answer')
  const all = destinations.filter(isStatus)
  if (isForPrograms) output.out(`${JSON.stringify(all)}\n`)
  else
    printRows([COLUMNS, ...all.map((one) => COLUMNS.map((name) => `${one[name] ?? '-'}`))], output)
  return all.some((one) => one['isAlarm'] === true) ? FAILED : DONE
}
