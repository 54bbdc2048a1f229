// How each witness of this realm's log stands: what it co-signed last, how far that is behind, and why it did not go on.
// For people (`status`, `audit witnesses`) and monitors (metrics). It asks nobody: it says what the last round left.

import type { LogStatus, WitnessStatus } from '../admin/index.ts'
import {
  servedWitnessed,
  type VerifierKey,
  type WitnessState,
  witnessName,
} from '../audit/index.ts'
import type { Metrics } from '../runtime/index.ts'
import type { Realm } from './assembly.ts'

interface Published {
  readonly size: number
  readonly generation: number
}

/** One for each of `keys`, in their order. What a witness did for the log before a restore counts for nothing now. */
export const standingsOf = (
  { size, generation }: Published,
  states: readonly WitnessState[],
  keys: readonly VerifierKey[],
): readonly WitnessStatus[] =>
  keys.map((key) => {
    const witness = witnessName(key)
    const found = states.find((one) => one.witness === witness && one.generation === generation)
    if (found === undefined) return { witness, size: 0, lagEntries: size, failures: 0 }
    const { code, failures, cosignedAt, claimedSize } = found
    return {
      ...{ witness, size: found.size, failures },
      lagEntries: Math.max(0, size - found.size),
      ...(cosignedAt === 0 ? {} : { cosignedAt }),
      ...(code === '' ? {} : { code }),
      ...(claimedSize === 0 ? {} : { claimedSize }),
    }
  })

/** The log as it is published and witnessed now. */
export const logStatus = ({ store }: Realm, keys: readonly VerifierKey[]): Promise<LogStatus> =>
  store.read(async (tx) => {
    const head = await tx.tree.head()
    const { size, publishedAt } = head
    const witnessed = await servedWitnessed(tx)
    const witnesses = standingsOf(head, await tx.witnesses.states(), keys)
    return {
      ...{ size, publishedAt, witnesses },
      recorded: (await tx.audit.head()).sequence,
      ...(witnessed === undefined ? {} : { witnessedSize: witnessed.size }),
    }
  })

/** Gauges by witness, to be set after each round. */
export const witnessGauges = (metrics: Metrics, keys: readonly VerifierKey[]) => {
  const witness = keys.map(witnessName)
  const gauge = (thing: string, help: string) =>
    metrics.gauge({ room: 'audit', thing, unit: 'count', help, labels: { witness } })
  const size = gauge('witness_cosigned', 'The size of the log that a witness has co-signed last.')
  const lag = gauge('witness_lag', 'Entries published and not co-signed by a witness.')
  const failures = gauge(
    'witness_failures',
    'How often a witness has not co-signed since it last did.',
  )
  return (standings: readonly WitnessStatus[]): void => {
    for (const one of standings) {
      const label = { witness: one.witness }
      size.set(label, one.size)
      lag.set(label, one.lagEntries)
      failures.set(label, one.failures)
    }
  }
}
