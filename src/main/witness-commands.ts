// Commands about witnesses: who co-signs our log and who does not, our own witness keys, and the logs we have seen.

import type { AuditActions, CliOutput } from '../admin/index.ts'
import { formatVkey, witnessKeyOf } from '../audit/index.ts'
import { type Instant, milliseconds, toRfc3339 } from '../time.ts'
import type { Realm } from './assembly.ts'
import { beside, DONE, FAILED, listing, printRows, type Row } from './beside.ts'
import { CommandError } from './command-error.ts'
import { witnessNameOf, witnessPurpose } from './own-witness.ts'
import { logStatus } from './witness-status.ts'
import { WITNESSED_ALARM, witnessedAge, witnessKeys } from './witnessing.ts'

const when = (moment: Instant | undefined): string =>
  moment === undefined ? 'never' : toRfc3339(moment)

/** Name, size co-signed last, when, last failure, the size it claims where that is larger than ours, how far behind. */
const witnessRows = async (realm: Realm): Promise<readonly Row[]> => {
  const { witnesses } = realm.settings.audit
  if (witnesses === undefined) {
    throw new CommandError('main.no-witnesses', 'the settings name no witnesses')
  }
  return (await logStatus(realm, witnessKeys(realm))).witnesses.map((one): Row => {
    const { witness, size, lagEntries, cosignedAt, failures, code, claimedSize } = one
    const isAsked = cosignedAt !== undefined || failures > 0
    const claimed = claimedSize === undefined ? '' : `claims ${claimedSize}`
    const how = isAsked ? (code ?? 'ok') : 'not asked yet'
    return [witness, size, when(cosignedAt), how, claimed, `${lagEntries} behind`]
  })
}

const ownKeyRows = ({ settings, store }: Realm): Promise<readonly Row[]> =>
  store.read(async (tx) => {
    const { generation } = await tx.tree.head()
    const name = witnessNameOf(settings, generation)
    const keys = await tx.logKeys.all(witnessPurpose(generation))
    return keys.map((key): Row => [formatVkey(witnessKeyOf(name, key))])
  })

const seenRows = ({ store }: Realm): Promise<readonly Row[]> =>
  store.read(async (tx) =>
    (await tx.witnesses.allSeen()).map(
      ({ origin, size, seenAt }): Row => [origin, size, when(seenAt)],
    ),
  )

const printSeen = async ({ store }: Realm, origin: string, output: CliOutput): Promise<number> => {
  const seen = await store.read((tx) => tx.witnesses.seen(origin))
  if (seen === undefined)
    throw new CommandError('main.log-not-seen', `nothing is seen of ${origin}`)
  output.out(seen.note)
  return DONE
}

export const createWitnessCommands = (
  output: CliOutput,
): Pick<AuditActions, 'auditWitnesses' | 'auditWitnessKey' | 'auditSeen'> => ({
  auditWitnesses: ({ config, json }) =>
    beside(config, async (realm) => {
      printRows(await witnessRows(realm), output, json)
      const age = (await witnessedAge(realm)) ?? milliseconds(Number.MAX_SAFE_INTEGER)
      return age > WITNESSED_ALARM ? FAILED : DONE
    }),
  auditWitnessKey: ({ config, json }) =>
    beside(config, async (realm) => {
      const rows = await ownKeyRows(realm)
      printRows(rows, output, json)
      return rows.length === 0 ? FAILED : DONE
    }),
  auditSeen: ({ config, origin, ...options }) =>
    origin === undefined
      ? listing({ config, ...options }, output, seenRows)
      : beside(config, (realm) => printSeen(realm, origin, output)),
})
