// The indexer: rounds of bounded work. Each sends what waits, reads what is new, and then one batch of what is older, so
// that new messages never wait for a backlog. It idles while the realm is locked or the core is away.

import type { Instant } from '../time.ts'
import { after, isPast, seconds } from '../time.ts'
import { deliver } from './delivery.ts'
import { type ReadingMeans, readNews, readOlder } from './feed-reading.ts'
import { followPolicy } from './policy.ts'

/** How soon the indexer acts on what administrators changed beside this process. */
const POLICY_EVERY = seconds(5)
/** Lists that wait for the core; beyond it nothing more is read. */
const WAITING_MOST = 5000

export interface Indexer {
  /** One round. Answers whether there is more to do at once. Rejects where the core is away, or a Fault. */
  round(): Promise<boolean>
}

export const createIndexer = (means: ReadingMeans): Indexer => {
  let policyDue: Instant | undefined
  const policy = async (): Promise<void> => {
    const now = means.now()
    if (policyDue !== undefined && !isPast(policyDue, now)) return
    means.memory.forget(await followPolicy(means.ledger, means.rules))
    means.memory.tidy()
    policyDue = after(now, POLICY_EVERY)
  }
  const isWanted = (): Promise<boolean> =>
    means.store.read(async (tx) => (await tx.machines.policyOf('index')).grants.length > 0)

  return {
    async round() {
      if (!means.keyring.isUnlocked || !means.line.isUp()) return false
      await policy()
      const sent = await deliver(means)
      // Where nobody was granted to index, nobody asks what there would be.
      if (!(await isWanted())) return sent
      const waiting = await means.store.read((tx) => tx.index.countOutgoing())
      if (waiting > WAITING_MOST) return sent
      const isNew = await readNews(means)
      const isOld = await readOlder(means)
      return sent || isNew || isOld
    },
  }
}
