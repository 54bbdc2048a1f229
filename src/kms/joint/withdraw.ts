// The core gives an operation up: if it has ended, this is how; if not, it never will be applied.

import type { Act } from '../../audit/index.ts'
import type { CorePart } from '../../boundary/index.ts'
import { before, type Duration } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import type { CoreOperation, WithdrawnOperation } from './core-operation.ts'
import { meaningOfPart } from './joint.ts'

const disagreed = (id: string, peer: string | undefined): Act => ({
  action: 'operation.withdrawn',
  outcome: 'refused',
  code: 'rooms.parts-disagree',
  actor: { kind: 'system' },
  type: 'MESSAGE',
  details: { operation: id, ...(peer === undefined ? {} : { peer }) },
})

/**
 * How the operation of that id ended; from now on that answer is final. With `part`, the core asks of an operation that somebody
 * of another realm has made through that realm: it counts as applied only if what that realm had done here is what the core is
 * about to do, and is withdrawn for the core otherwise.
 */
export const withdrawOperation = (
  ledger: Ledger,
  id: string,
  part?: CorePart,
): Promise<CoreOperation> =>
  ledger.commit<CoreOperation>(async (tx, now) => {
    const ended = (await tx.operations.find([id])).get(id)
    if (part !== undefined && ended?.state === 'settled') {
      const { forwarded } = ended
      if (forwarded?.meant === meaningOfPart(part)) return { result: ended, acts: [] }
      const result: WithdrawnOperation = { state: 'withdrawn', id, answeredAt: now }
      return { result, acts: [disagreed(id, forwarded?.peer)] }
    }
    if (ended !== undefined) return { result: ended, acts: [] }
    const withdrawn: WithdrawnOperation = { state: 'withdrawn', id, answeredAt: now }
    await tx.operations.insert([withdrawn])
    return {
      result: withdrawn,
      acts: [
        {
          action: 'operation.withdrawn',
          outcome: 'done',
          actor: { kind: 'system' },
          type: 'MESSAGE',
          details: { operation: id },
        },
      ],
    }
  })

/** Forgets at most `limit` operations that ended longer ago than `keptFor`; answers how many. */
export const sweepOperations = (
  ledger: Ledger,
  keptFor: Duration,
  limit: number,
): Promise<number> =>
  ledger.commit(async (tx, now) => {
    const count = await tx.operations.sweepBefore(before(now, keptFor), limit)
    if (count === 0) return { result: 0, acts: [] }
    const details = { count }
    return {
      result: count,
      acts: [
        {
          action: 'operation.expired',
          outcome: 'done',
          actor: { kind: 'system' },
          type: 'MESSAGE',
          details,
        },
      ],
    }
  })
