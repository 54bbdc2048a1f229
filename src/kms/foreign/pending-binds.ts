// A key of ours that another realm was asked to take into a resource, and whose answer was lost: asked again until it answers,
// because only it knows whether it has recorded the key. Both sides then say the same.

import type { Act } from '../../audit/index.ts'
import { hostOf } from '../../protocol/index.ts'
import { isRefusal } from '../../refusal.ts'
import { after, type Instant, milliseconds, seconds } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import { bindTo } from '../key.ts'
import type { Store, Transaction } from '../ports.ts'
import { type ForeignHome, isNoAnswer, type Told } from './foreign.ts'
import type { PendingBind } from './peer-ports.ts'

const AT_ONCE = 50
const LONGEST_PAUSE = seconds(300)

const pauseAfter = (attempts: number) =>
  milliseconds(Math.min(LONGEST_PAUSE, 10_000 * 2 ** Math.min(attempts, 10)))

const act = (bind: PendingBind, { result }: Told, changes: Partial<Act>): Act => ({
  action: 'key.bound',
  outcome: isRefusal(result) ? 'refused' : 'done',
  actor: { kind: 'system' },
  type: 'KEY',
  resource: bind.resourceUri,
  keys: [bind.keyUri],
  details: { peer: hostOf(bind.resourceUri), attempts: bind.attempts + 1 },
  ...(isRefusal(result) ? { code: result.refused } : {}),
  ...changes,
})

const settle = async (
  tx: Transaction,
  now: Instant,
  bind: PendingBind,
  told: Told,
): Promise<readonly Act[]> => {
  if (isNoAnswer(told)) {
    await tx.debts.putOffBind(bind.keyUri, after(now, pauseAfter(bind.attempts)))
    return []
  }
  await tx.debts.settleBind(bind.keyUri)
  if (isRefusal(told.result)) return [act(bind, told, {})]
  const key = (await tx.keys.find([bind.keyUri])).get(bind.keyUri)
  if (key?.state === 'unbound') await tx.keys.bind([bindTo(key, bind.resourceUri, now)])
  return [act(bind, told, {})]
}

export interface BindParts {
  readonly store: Store
  readonly ledger: Ledger
  readonly foreign: ForeignHome
}

/** Whom we work with no more is not asked, and what it was asked for waits. */
const dueBinds = async (
  { store, ledger, foreign }: BindParts,
  now: Instant,
): Promise<readonly PendingBind[]> => {
  const { due, blocked } = await store.read(async (tx) => {
    const all = await tx.debts.dueBinds(now, AT_ONCE)
    const peers = await tx.peers.find([...new Set(all.map((bind) => hostOf(bind.resourceUri)))])
    const shut = [...peers.values()].filter(({ blockedAt }) => blockedAt !== undefined)
    return { due: all, blocked: new Set(shut.map(({ domain }) => domain)) }
  })
  const isShut = ({ resourceUri }: PendingBind) =>
    blocked.has(hostOf(resourceUri)) || foreign.refusalFor(hostOf(resourceUri)) !== undefined
  const waiting = due.filter(isShut)
  if (waiting.length > 0) {
    await ledger.commit(async (tx, at) => {
      for (const bind of waiting) {
        await tx.debts.putOffBind(bind.keyUri, after(at, pauseAfter(bind.attempts)))
      }
      return { result: undefined, acts: [] }
    })
  }
  return due.filter((bind) => !isShut(bind))
}

/** Asks again for what is due; answers for how many keys it has asked. */
export const retryBinds = async (
  { store, ledger, foreign }: BindParts,
  now: Instant,
  trackingId: string,
): Promise<number> => {
  const due = await dueBinds({ store, ledger, foreign }, now)
  if (due.length === 0) return 0
  const asks = due.map(({ keyUri, resourceUri, userId, operationId }) => ({
    domain: hostOf(resourceUri),
    userId,
    operation: { name: 'bind-key', uri: keyUri, resourceUri } as const,
    ...(operationId === undefined ? {} : { operationId }),
  }))
  const told = await foreign.ask(asks, { at: now, trackingId, sizeBytes: 0 })
  await ledger.commit(async (tx, moment) => {
    const acts: Act[] = []
    for (const [index, bind] of due.entries()) {
      const answer = told[index]
      if (answer !== undefined) acts.push(...(await settle(tx, moment, bind, answer)))
    }
    return { result: undefined, acts }
  })
  return due.length
}
