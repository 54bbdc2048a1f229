// The unit of work. What happens inside commits together or not at all: a statement that failed, a store
// that refused, or a caller that swallowed either, ends in a rollback. Serialization failures run again.

import { setTimeout } from 'node:timers/promises'
import { Fault } from '../fault.ts'
import type { IndexTransaction } from '../indexer/index.ts'
import { prepareAnswers } from './answers.ts'
import { prepareAuditLog } from './audit-log.ts'
import { prepareAuthorizations } from './authorizations.ts'
import { prepareCopyStore } from './copies.ts'
import { prepareDebts } from './debts.ts'
import { prepareErasures } from './erasures.ts'
import { isRetryable } from './failures.ts'
import { prepareIndex } from './index-queue.ts'
import { prepareKeyring } from './keyring.ts'
import { prepareKeys } from './keys.ts'
import { prepareLogKeys } from './log-keys.ts'
import { prepareLogTree } from './log-tree.ts'
import { prepareMachines } from './machines.ts'
import { prepareOffBoardings } from './off-boardings.ts'
import { prepareOperations } from './operations.ts'
import { preparePeers } from './peers.ts'
import { preparePeople } from './people.ts'
import { prepareReceipts } from './receipts.ts'
import { prepareResources } from './resources.ts'
import { prepareRosters } from './rosters.ts'
import { prepareSearchKeys } from './search-keys.ts'
import { prepareSessions } from './sessions.ts'
import { prepareShipping } from './shipping.ts'
import type { Dialect, Link } from './statement.ts'
import { prepareStaticKeys } from './static-keys.ts'
import { prepareWitnesses } from './witnesses.ts'

/** A begun transaction on a connection that nobody else uses. */
export interface Begun {
  readonly link: Link
  /** Resolves once what was written is on disk. */
  commit(): Promise<void>
  /** Never throws. */
  rollback(): Promise<void>
}

/** `vacuum`: whoever owns the database has to say so to it (README). */
export type Scrubbed = 'gone' | 'busy' | 'vacuum'

export interface Database {
  readonly dialect: Dialect
  /** Alone among writers until it ends. */
  beginWriting(): Promise<Begun>
  /** A snapshot, beside any writer. */
  beginReading(): Promise<Begun>
  /** Throws a Fault unless the database answers and is still durable. */
  check(): Promise<void>
  /** See `OpenStore.scrub`. */
  scrub(): Promise<Scrubbed>
  close(): Promise<void>
}

export type Run = <Result>(
  begin: () => Promise<Begun>,
  work: (tx: IndexTransaction) => Promise<Result>,
) => Promise<Result>

const TRIES = 5
const FIRST_PAUSE_MS = 2

const prepareTransaction = (dialect: Dialect): ((link: Link) => IndexTransaction) => {
  const keys = prepareKeys(dialect)
  const resources = prepareResources(dialect)
  const authorizations = prepareAuthorizations(dialect)
  const sessions = prepareSessions(dialect)
  const answers = prepareAnswers(dialect)
  const operations = prepareOperations(dialect)
  const people = preparePeople(dialect)
  const machines = prepareMachines(dialect)
  const offBoardings = prepareOffBoardings(dialect)
  const erasures = prepareErasures(dialect)
  const rosters = prepareRosters(dialect)
  const searchKeys = prepareSearchKeys(dialect)
  const index = prepareIndex(dialect)
  const keyring = prepareKeyring(dialect)
  const staticKeys = prepareStaticKeys(dialect)
  const audit = prepareAuditLog(dialect)
  const tree = prepareLogTree(dialect)
  const logKeys = prepareLogKeys(dialect)
  const peers = preparePeers(dialect)
  const copies = prepareCopyStore(dialect)
  const debts = prepareDebts(dialect)
  const receipts = prepareReceipts(dialect)
  const shipping = prepareShipping(dialect)
  const witnesses = prepareWitnesses(dialect)
  return (link) => ({
    keys: keys(link),
    resources: resources(link),
    authorizations: authorizations(link),
    sessions: sessions(link),
    answers: answers(link),
    operations: operations(link),
    people: people(link),
    machines: machines(link),
    offBoardings: offBoardings(link),
    erasures: erasures(link),
    rosters: rosters(link),
    searchKeys: searchKeys(link),
    index: index(link),
    keyring: keyring(link),
    staticKeys: staticKeys(link),
    audit: audit(link),
    tree: tree(link),
    logKeys: logKeys(link),
    peers: peers(link),
    copies: copies(link),
    debts: debts(link),
    receipts: receipts(link),
    shipping: shipping(link),
    witnesses: witnesses(link),
  })
}

/** A link that remembers its first failure, knows what is still under way, and can be ended. */
const guard = (link: Link) => {
  let isOver = false
  let failure: unknown
  const underWay = new Set<Promise<unknown>>()
  const watch = async <Result>(start: () => Promise<Result>): Promise<Result> => {
    if (isOver) throw new Fault('store.transaction-over')
    const running = start()
    underWay.add(running)
    try {
      return await running
    } catch (error) {
      failure ??= error
      throw error
    } finally {
      underWay.delete(running)
    }
  }
  return {
    link: {
      ...(link.lockedHead === undefined ? {} : { lockedHead: link.lockedHead }),
      all: (statement, values) => watch(() => link.all(statement, values)),
      run: (statement, values) => watch(() => link.run(statement, values)),
      insertAll: (insertion, rows) => watch(() => link.insertAll(insertion, rows)),
    } satisfies Link,
    /** Waits for statements that nobody awaited; throws the first failure. */
    async end(): Promise<void> {
      isOver = true
      await Promise.allSettled(underWay)
      if (failure !== undefined) throw failure
    },
  }
}

/** How a dialect's transactions are run; statements are prepared here, once. */
export const prepareRun = (dialect: Dialect): Run => {
  const toTransaction = prepareTransaction(dialect)

  const runOnce: Run = async (begin, work) => {
    const begun = await begin()
    const guarded = guard(begun.link)
    try {
      const result = await work(toTransaction(guarded.link))
      await guarded.end()
      await begun.commit()
      return result
    } catch (error) {
      // Before the rollback, so that no statement still under way runs after it, outside any transaction.
      await guarded.end().catch(() => undefined)
      await begun.rollback()
      throw error
    }
  }

  return async (begin, work) => {
    for (let tried = 1; ; tried++) {
      try {
        return await runOnce(begin, work)
      } catch (error) {
        if (tried === TRIES || !isRetryable(error)) throw error
        await setTimeout(FIRST_PAUSE_MS * 2 ** tried)
      }
    }
  }
}
