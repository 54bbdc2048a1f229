// Lists on their way to the core: kept until it has acknowledged them, sent again as they were. Rooms that were left are
// told of first, so that a later list of a room that came back is not forgotten with it.

import type { IndexedStore, IndexLedger, IndexLine, QueuedPosting } from './ports.ts'

export interface DeliveryMeans {
  readonly store: IndexedStore
  readonly ledger: IndexLedger
  readonly line: IndexLine
}

const LISTS_AT_ONCE = 500
/** Of hashes in one frame; base64 adds a third. */
const BYTES_AT_ONCE = 3 * 1024 * 1024

const nothing = async () => ({ result: undefined, acts: [] })

const tellDrops = async ({ store, ledger, line }: DeliveryMeans): Promise<boolean> => {
  const drops = await store.read((tx) => tx.index.drops())
  for (const resourceUri of drops) {
    await line.drop(resourceUri)
    await ledger.commit(async (tx) => {
      await tx.index.dropped(resourceUri)
      return nothing()
    })
  }
  return drops.length > 0
}

/** As many as fit one frame, and at least one. */
const frameful = (queued: readonly QueuedPosting[]): readonly QueuedPosting[] => {
  let bytes = 0
  const end = queued.findIndex(({ hashes }, index) => {
    bytes += hashes.length
    return index > 0 && bytes > BYTES_AT_ONCE
  })
  return end === -1 ? queued : queued.slice(0, end)
}

const sendLists = async ({ store, ledger, line }: DeliveryMeans): Promise<boolean> => {
  const list = frameful(await store.read((tx) => tx.index.outgoing(LISTS_AT_ONCE)))
  if (list.length === 0) return false
  await line.post(
    list.map(({ resourceUri, messageId, revision, hashes }) => ({
      ...{ resourceUri, messageId, revision },
      hashes: Buffer.from(hashes).toString('base64'),
    })),
  )
  await ledger.commit(async (tx) => {
    await tx.index.delivered(list)
    return nothing()
  })
  return true
}

/** One frame of what waits; answers whether there was anything. Rejects where the core does not answer. */
export const deliver = async (means: DeliveryMeans): Promise<boolean> => {
  const told = await tellDrops(means)
  return (await sendLists(means)) || told
}
