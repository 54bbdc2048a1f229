// `keyrealm audit rotate-key`: new keys for the log, in two steps. First old and new sign together, so that auditors and
// witnesses have time to pin the new ones; then the old ones retire, and their last checkpoint vouches for the new.

import type { AuditRotateOptions, CliOutput } from '../admin/index.ts'
import { formatVkey, verifierKeyOf } from '../audit/index.ts'
import { systemRandom } from '../crypto/index.ts'
import { type LogKey, retireLogKeys, rotateLogKeys } from '../kms/index.ts'
import type { Realm } from './assembly.ts'
import { DONE } from './beside.ts'
import { CommandError } from './command-error.ts'
import { originOf } from './published-log.ts'

const printKeys = async (realm: Realm, keys: readonly LogKey[], output: CliOutput) => {
  const { generation } = await realm.store.read((tx) => tx.tree.head())
  const name = originOf(realm.settings)(generation)
  for (const key of keys) output.out(`${formatVkey(verifierKeyOf(name, key))}\n`)
}

const rotate = async (realm: Realm, output: CliOutput): Promise<number> => {
  const [organizationId] = realm.kms.organizations
  const minting = { keyring: realm.keyring, random: systemRandom, organizationId }
  const made = await rotateLogKeys(realm.ledger, minting)
  if (made === undefined) {
    throw new CommandError(
      'main.rotation-under-way',
      'old and new keys sign already; end it by --retire',
    )
  }
  await realm.log.publishAll()
  await printKeys(realm, made, output)
  return DONE
}

const retire = async (realm: Realm, output: CliOutput): Promise<number> => {
  await realm.log.publishAll()
  const retirement = await retireLogKeys(realm.ledger)
  if (retirement.did === 'nothing-to-retire') {
    throw new CommandError('main.nothing-to-retire', 'every key that signs is of the newest')
  }
  if (retirement.did === 'not-vouched-for') {
    throw new CommandError(
      'main.not-vouched-for',
      'no checkpoint that the old keys signed covers the new ones yet; try again in a second',
    )
  }
  await realm.log.publishAll()
  await printKeys(realm, retirement.keys, output)
  return DONE
}

/** Prints the vkeys that are new, or those that sign no more. */
export const runRotation = (
  realm: Realm,
  { retire: isEnd }: AuditRotateOptions,
  output: CliOutput,
): Promise<number> => (isEnd === true ? retire(realm, output) : rotate(realm, output))
