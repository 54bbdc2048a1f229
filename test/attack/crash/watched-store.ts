// A store that tells of each of its calls, before and after: the points at which a realm may die.

import type { IndexedStore, IndexTransaction } from '../../../src/indexer/index.ts'

type Run = IndexedStore['transact']

/** Points beside the calls: before a transaction begins, when it has begun, when its work is done, when it has committed. */
export const watching = (atPort: () => void): ((run: Run) => Run) => {
  const watchCalls = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return async (...values: unknown[]) => {
          atPort()
          const result: unknown = await Reflect.apply(member, target, values)
          atPort()
          return result
        }
      },
    })

  const watchTransaction = (tx: IndexTransaction): IndexTransaction => ({
    keys: watchCalls(tx.keys),
    resources: watchCalls(tx.resources),
    authorizations: watchCalls(tx.authorizations),
    sessions: watchCalls(tx.sessions),
    answers: watchCalls(tx.answers),
    people: watchCalls(tx.people),
    searchKeys: watchCalls(tx.searchKeys),
    index: watchCalls(tx.index),
    keyring: watchCalls(tx.keyring),
    staticKeys: watchCalls(tx.staticKeys),
    operations: watchCalls(tx.operations),
    machines: watchCalls(tx.machines),
    offBoardings: watchCalls(tx.offBoardings),
    erasures: watchCalls(tx.erasures),
    rosters: watchCalls(tx.rosters),
    audit: watchCalls(tx.audit),
    tree: watchCalls(tx.tree),
    peers: watchCalls(tx.peers),
    copies: watchCalls(tx.copies),
    debts: watchCalls(tx.debts),
    receipts: watchCalls(tx.receipts),
    logKeys: watchCalls(tx.logKeys),
    shipping: watchCalls(tx.shipping),
    witnesses: watchCalls(tx.witnesses),
  })

  return (run) => async (work) => {
    atPort()
    const result = await run(async (tx) => {
      atPort()
      const done = await work(watchTransaction(tx))
      atPort()
      return done
    })
    atPort()
    return result
  }
}
