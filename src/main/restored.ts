// A database put back from a copy lacks what was published from it. Nothing is signed and no key is released
// on it until somebody has looked; then the log goes on as another one, and says from where.

import { renameSync } from 'node:fs'
import { type Act, formatCheckpoint, type KeptVerdict } from '../audit/index.ts'
import { encodeB64u } from '../crypto/index.ts'
import type { Realm } from './assembly.ts'
import { CommandError } from './command-error.ts'
import { generationIn, keptFile } from './published-log.ts'

const SYSTEM = { kind: 'system' } as const

export const REASONS = {
  behind: 'the database is older than what was published from it: it was put back from a copy',
  forked: 'the database is not the one that the kept checkpoint was published from',
  unreadable: 'the kept checkpoint is damaged',
  unkept:
    'the checkpoint kept outside the database is gone (a further node is given a copy of another’s log-checkpoint)',
} as const

/** Throws a CommandError `audit.log-behind`, `audit.log-forked`, `audit.log-unreadable` or `audit.log-unkept`. */
export const refuseRestored = async (realm: Realm): Promise<void> => {
  const { verdict } = await realm.log.check()
  if (verdict === 'whole') return
  throw new CommandError(
    `audit.log-${verdict}`,
    `${REASONS[verdict]}; keyrealm audit accept-restore goes on, as a new log`,
  )
}

const restored = ({ verdict, kept, size }: KeptVerdict): Act => ({
  action: 'log.restored',
  outcome: 'done',
  actor: SYSTEM,
  type: 'AUDIT_LOG',
  details: {
    verdict,
    size,
    ...(kept === undefined
      ? {}
      : {
          keptOrigin: kept.origin,
          keptSize: kept.size,
          keptRoot: encodeB64u(kept.root),
          keptCheckpoint: formatCheckpoint(kept),
        }),
  },
})

/** Begins the next generation; the kept checkpoint, if there is one, stays as evidence: where. */
export const acceptRestore = async (realm: Realm): Promise<string | undefined> => {
  const found = await realm.log.check()
  if (found.verdict === 'whole') {
    throw new CommandError('main.not-restored', 'the database holds what was published from it')
  }
  await realm.ledger.commit(async (tx) => {
    // The database may be older than an earlier restore: a name that was used is not used again.
    const after = found.kept === undefined ? 0 : generationIn(realm.settings, found.kept.origin)
    await tx.tree.beginAgain(after)
    return { result: undefined, acts: [restored(found)] }
  })
  if (found.verdict === 'unkept') return undefined
  const evidence = `${keptFile(realm.settings)}.evidence-${realm.now()}`
  renameSync(keptFile(realm.settings), evidence)
  return evidence
}
