// The core gives an operation up: if it has ended, this is how; if not, it never will be applied.

import { before, type Duration } from '../time.ts'
import type { CoreOperation, WithdrawnOperation } from './core-operation.ts'
import type { Ledger } from './ledger.ts'

/** How the operation of that id ended; from now on that answer is final. */
export const withdrawOperation = (ledger: Ledger, id: string): Promise<CoreOperation> =>
  ledger.commit<CoreOperation>(async (tx, now) => {
    const ended = (await tx.operations.find([id])).get(id)
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
