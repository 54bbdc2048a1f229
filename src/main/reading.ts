// Reading the log is itself recorded, before anything of it is handed out.

import type { Ledger } from '../kms/index.ts'
import { SYSTEM } from './beside.ts'

/** So many entries after that sequence are about to be read. */
export const recordReading = (ledger: Ledger, after: number, count: number): Promise<void> =>
  recordUse(ledger, 'audit.read', { after, count })

/** What is done with the log as a whole: exported, verified, proved. */
export const recordUse = (
  ledger: Ledger,
  action: string,
  details: Readonly<Record<string, string | number | boolean>>,
): Promise<void> =>
  ledger.commit(async () => ({
    result: undefined,
    acts: [{ action, outcome: 'done', actor: SYSTEM, type: 'AUDIT_LOG', details }],
  }))

/** Somebody is told which pseudonym is whose. */
export const recordNaming = (ledger: Ledger, count: number): Promise<void> =>
  ledger.commit(async () => ({
    result: undefined,
    acts: [
      {
        action: 'directory.read',
        outcome: 'done',
        actor: SYSTEM,
        type: 'DIRECTORY',
        details: { count },
      },
    ],
  }))
