// Erasing a person from a running realm: the store's row and the memories in front of it. The command asks the
// appliance over its admin listener, because a process that still remembered would go on with the old pseudonym.

import type {
  AuditEraseOptions,
  CliOutput,
  ErasureObstacle,
  ErasureOutcome,
} from '../admin/index.ts'
import { loadSettings } from '../config/index.ts'
import { Fault } from '../fault.ts'
import type { UserId } from '../id.ts'
import { erasePerson } from '../kms/index.ts'
import type { RefusalCode } from '../refusal.ts'
import { askAdmin } from './ask-admin.ts'
import type { Realm } from './assembly.ts'
import { DONE, FAILED } from './beside.ts'
import { CommandError } from './command-error.ts'
import type { JoinedCorridor } from './corridor.ts'

const OBSTACLES: readonly ErasureObstacle[] = [
  'erasure.unknown-person',
  'erasure.machine-account',
  'erasure.not-off-boarded',
  'erasure.still-authorized',
  'erasure.not-acknowledged',
  'erasure.withdrawals-owed',
]

const obstacleOf = (code: RefusalCode): ErasureObstacle => {
  const obstacle = OBSTACLES.find((one) => one === code)
  if (obstacle === undefined) throw new Fault('main.unknown-obstacle')
  return obstacle
}

export const erase = async (
  { realm, joined }: { readonly realm: Realm; readonly joined: JoinedCorridor },
  userId: UserId,
): Promise<ErasureOutcome> => {
  const refusal = await erasePerson(realm.ledger, joined.people, userId)
  if (refusal !== undefined) return obstacleOf(refusal.refused)
  // Theirs are gone from the store; everybody else's come back from there.
  joined.channels.forgetAll()
  return { files: await realm.store.scrub() }
}

const FILES: Readonly<Record<string, string>> = {
  gone: 'nothing of it is left in the database’s files',
  busy: 'the write-ahead log still has it, because another process reads it: stop that, then restart the realm',
  vacuum: 'the database’s free space still has it: VACUUM FULL (src/store/README.md)',
}

export const runErase = async (
  { config, id, yes }: AuditEraseOptions,
  output: CliOutput,
): Promise<number> => {
  if (yes !== true) {
    throw new CommandError(
      'main.not-confirmed',
      'this cannot be undone, by anybody: say --yes; copies of the database still know them',
    )
  }
  const { files } = await askAdmin(loadSettings(config), 'POST', 'audit/erase', { userId: id })
  output.out(`erased\t${FILES[String(files)] ?? 'unknown'}\n`)
  return files === 'busy' ? FAILED : DONE
}
