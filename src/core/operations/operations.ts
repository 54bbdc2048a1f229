// What core and realm do together, so that both do it or neither does: written down, asked, and applied here
// only when the realm says that it was applied there. Whatever dies in between is asked again, or withdrawn.

import { isProblem, type Problem, problem } from '../http/problem.ts'
import type { Surroundings } from '../ports.ts'
import type { Condition, RoomChange } from '../rooms/room-change.ts'
import type { Applied, CoreStore, OperationRow } from '../store/store.ts'
import { OpenOperations, type OpenOperationsRules } from './open-operations.ts'
import {
  type Ask,
  homeOf,
  type Occasion,
  type Plan,
  type Result,
  toRow,
  turnsIn,
} from './operation.ts'
import { openTurns, type Release } from './turns.ts'

export interface Operations {
  readonly open: OpenOperations
  /** Makes the plan when it is the room's turn, and carries it out. Answers within the client's patience. */
  run(occasion: Occasion, makePlan: () => Promise<Plan | Problem>): Promise<Result>
  /** Applies at once what the realm has no part in. */
  change(change: RoomChange, condition?: Condition): Promise<Applied | Problem>
  /** The room's turn, however long it takes, for changes that the realm has ordered. */
  inTurn(turns: Occasion['turns'], act: () => Promise<void>): Promise<void>
  sweep(): Promise<void>
}

export interface OperationRules extends OpenOperationsRules {
  /** How long a client waits for an answer. */
  readonly patienceMs: number
  /** Operations of one user that have not ended. */
  readonly openPerUser: number
  readonly keptForMs: number
  /** Why this realm cannot be asked now, if it cannot. */
  readonly whyClosed: (domain: string) => Problem | undefined
}

const FOR_EVER_MS = 2 ** 31 - 1

/** Opens the book; `left` are the operations that an earlier run left open. */
export const openOperations = (
  store: CoreStore,
  rules: OperationRules,
  surroundings: Surroundings,
  left: readonly OperationRow[],
): Operations => {
  const { now, newId, log } = surroundings
  const turns = openTurns()
  const open = new OpenOperations(store, rules, surroundings)
  // There was one open operation of a turn at a time.
  for (const row of left) {
    void open.take(row, turns.hold(turnsIn(row)))
  }

  /** The operation is open from here on, and has the turn. */
  const askRealm = async (row: OperationRow, release: Release, withinMs: number) => {
    const result = open.take(row, release)
    const onImpatience = (): void => {
      open.withdraw(row.id).catch((error: unknown) => log.error('operation.fault', {}, error))
    }
    const timer = setTimeout(onImpatience, withinMs)
    return await result.finally(() => clearTimeout(timer))
  }
  const change = async (wanted: RoomChange, condition?: Condition): Promise<Applied | Problem> => {
    const applied = await store.change(wanted, now(), condition)
    if (!isProblem(applied)) await rules.onApplied(applied)
    return applied
  }
  const whyNotAsked = ({ domain, part }: Ask): Problem | undefined => {
    for (const realm of new Set([domain, homeOf(domain, part)])) {
      if (!open.hasLine(realm)) return problem('core.realm-unreachable')
      const closed = rules.whyClosed(realm)
      if (closed !== undefined) return closed
    }
    const isTooMany = open.countOf(part.user) >= rules.openPerUser
    return isTooMany ? problem('core.too-many-held') : undefined
  }

  return {
    open,
    change,
    async run(occasion, makePlan) {
      const startedMs = performance.now()
      const taken = await turns.take(occasion.turns, rules.patienceMs)
      if (taken === undefined) return problem('core.realm-timeout')
      const { keys, release } = taken
      let isHandedOver = false
      try {
        const plan = await makePlan()
        if (isProblem(plan)) return plan
        const { ask } = plan
        if (ask === undefined) {
          const applied = await change(plan.change, plan.condition)
          return isProblem(applied) ? applied : { applied }
        }
        const refused = whyNotAsked(ask)
        if (refused !== undefined) return refused
        const { trackingId } = occasion
        const row = toRow(plan.change, ask, { id: newId(), at: now(), turns: keys, trackingId })
        await store.addOperation(row)
        isHandedOver = true
        const leftMs = rules.patienceMs - (performance.now() - startedMs)
        return await askRealm(row, release, Math.max(0, leftMs))
      } finally {
        if (!isHandedOver) release()
      }
    },
    async inTurn(wanted, act) {
      const taken = await turns.take(wanted, FOR_EVER_MS)
      await act().finally(() => taken?.release())
    },
    async sweep() {
      open.sweep()
      await store.forgetOperations(now() - rules.keptForMs)
    },
  }
}
