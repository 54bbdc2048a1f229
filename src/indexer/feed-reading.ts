// Reads the core's feed: new messages first, and beside them ranges of older ones, a batch each in turn. Where a range
// has got to stands in the same transaction as what was made of it.

import type { FeedFrame } from '../boundary/index.ts'
import type { ResourceUri } from '../id.ts'
import { after, type Duration, type Instant, seconds } from '../time.ts'
import { Batch, type BatchMeans, type BatchResult } from './batch.ts'
import { destroyOlder } from './leaving.ts'
import type { IndexedStore, IndexLine, IndexTransaction, NewRange, Range } from './ports.ts'

export interface ReadingMeans extends BatchMeans {
  readonly store: IndexedStore
  readonly line: IndexLine
  /** Events asked for at once. */
  readonly batchEvents: number
  readonly onBatch: (result: BatchResult) => void
  readonly now: () => Instant
}

/** Further behind than this, what is new is read first and the rest beside it. */
const BEHIND = 2000
/** A message whose key is not known is tried again so often, each time after a longer while. */
const TRIES_MOST = 8
const FIRST_WAIT = seconds(2)

const waitAfter = (attempts: number): Duration => seconds((FIRST_WAIT / 1000) * 3 ** attempts)

const total = ({ skipped }: BatchResult): number =>
  Object.values(skipped).reduce((sum, count) => sum + count, 0)

const retriesOf = ({ waiting }: BatchResult, now: Instant): readonly NewRange[] =>
  [...waiting].map(([resourceUri, places]) => {
    const before = Math.min(...places) - 1
    return {
      ...{ reason: 'retried', resourceUri, startAfter: before, readTo: before },
      ...{
        upTo: Math.max(...places),
        dueAt: after(now, waitAfter(0)),
        attempts: 0,
        createdAt: now,
      },
    }
  })

/** One range for each room whose keys are too many: what is under the newest takes the place of all. */
const thinOut = async (
  tx: IndexTransaction,
  { crowded }: BatchResult,
  now: Instant,
): Promise<void> => {
  if (crowded.size === 0) return
  const underWay = new Set<ResourceUri | undefined>(
    (await tx.index.ranges())
      .filter(({ reason }) => reason === 'rekeyed')
      .map(({ resourceUri }) => resourceUri),
  )
  const { readTo: upTo } = await tx.index.progress()
  for (const [resourceUri, searchKeyId] of crowded) {
    if (underWay.has(resourceUri)) continue
    await tx.index.insertRange({
      ...{ reason: 'rekeyed', resourceUri, searchKeyId, startAfter: 0, readTo: 0, upTo },
      ...{ dueAt: now, attempts: 0, createdAt: now },
    })
  }
}

const settle = async (
  tx: IndexTransaction,
  now: Instant,
  result: BatchResult,
  retries: readonly NewRange[],
): Promise<void> => {
  for (const range of retries) await tx.index.insertRange(range)
  await thinOut(tx, result, now)
  const progress = await tx.index.progress()
  await tx.index.saveProgress({
    ...progress,
    indexed: progress.indexed + result.indexed,
    skipped: progress.skipped + total(result),
  })
}

/** The core's word on how far that was, kept within what was asked: it cannot take us back or beyond its own end. */
const reached = ({ upTo, head }: FeedFrame, asked: number): number =>
  Math.min(Math.max(asked, upTo), Math.max(asked, head))

/** What is new. Answers whether there was anything. */
export const readNews = async (means: ReadingMeans): Promise<boolean> => {
  const before = await means.store.read((tx) => tx.index.progress())
  const frame = await means.line.ask({ after: before.readTo, limit: means.batchEvents })
  // The core began anew, or lost what it had: so do we.
  const isRestarted = frame.head < before.readTo
  const readTo = isRestarted ? 0 : reached(frame, before.readTo)
  if (!isRestarted && readTo === before.readTo && frame.head === before.head) return false
  const isFarBehind = !isRestarted && frame.head - readTo > BEHIND
  const events = isRestarted ? [] : frame.events
  const result = await new Batch(means).run(events, async (tx, now, batch) => {
    await settle(tx, now, batch, retriesOf(batch, now))
    const progress = await tx.index.progress()
    const { head } = frame
    await tx.index.saveProgress({ ...progress, readTo: isFarBehind ? head : readTo, head })
    if (!isFarBehind) return
    await tx.index.insertRange({
      ...{ reason: 'behind', startAfter: readTo, readTo, upTo: head },
      ...{ dueAt: now, attempts: 0, createdAt: now },
    })
  })
  means.onBatch(result)
  return events.length > 0 || isRestarted || readTo > before.readTo
}

/** A range was read to its end: is it over, or does it wait for keys, or for the core? */
const endRange = async (
  tx: IndexTransaction,
  range: Range,
  { waiting }: BatchResult,
  now: Instant,
): Promise<void> => {
  const { id, reason, startAfter, upTo } = range
  if (reason === 'retried' && waiting.size > 0) {
    const attempts = range.attempts + 1
    const dueAt = after(now, waitAfter(attempts))
    return tx.index.moveRange({ id, readTo: startAfter, dueAt, attempts })
  }
  if (reason === 'rekeyed') {
    return tx.index.moveRange({ id, readTo: upTo, dueAt: now, attempts: range.attempts })
  }
  return tx.index.removeRange(id)
}

const readRange = async (means: ReadingMeans, range: Range): Promise<void> => {
  const { id, reason, resourceUri, readTo: from, upTo, attempts } = range
  const place = resourceUri === undefined ? {} : { resourceUri }
  const frame = await means.line.ask({ after: from, upTo, limit: means.batchEvents, ...place })
  const readTo = frame.more === true ? reached(frame, from) : upTo
  const isLastTry = reason === 'retried' && attempts >= TRIES_MOST
  const result = await new Batch(means, isLastTry).run(frame.events, async (tx, now, batch) => {
    await settle(tx, now, batch, reason === 'retried' ? [] : retriesOf(batch, now))
    if (readTo >= upTo) return endRange(tx, range, batch, now)
    // A core that says there is more and gives nothing is not asked again at once.
    const dueAt = readTo > from ? now : after(now, waitAfter(3))
    await tx.index.moveRange({ id, readTo, dueAt, attempts })
  })
  means.onBatch(result)
}

/** Everything is under the new key, and the core has it: the older ones are destroyed. */
const finishRekey = (means: ReadingMeans, range: Range): Promise<boolean> =>
  means.ledger.commit(async (tx, now) => {
    const { id, resourceUri, searchKeyId } = range
    if (resourceUri === undefined || searchKeyId === undefined) {
      await tx.index.removeRange(id)
      return { result: true, acts: [] }
    }
    if (await tx.index.waitsIn(resourceUri)) return { result: false, acts: [] }
    await tx.index.removeRange(id)
    const acts = await destroyOlder(tx, resourceUri, searchKeyId, now)
    return { result: true, acts }
  })

/** One batch of the range that has waited longest. Answers whether there was one to read. */
export const readOlder = async (means: ReadingMeans): Promise<boolean> => {
  const ranges = await means.store.read((tx) => tx.index.ranges())
  for (const range of ranges.filter(isFinished)) {
    if (await finishRekey(means, range)) return true
  }
  const now = means.now()
  const next = ranges.find((range) => range.dueAt <= now && !isFinished(range))
  if (next === undefined) return false
  await readRange(means, next)
  return true
}

const isFinished = ({ reason, readTo, upTo }: Range): boolean =>
  reason === 'rekeyed' && readTo >= upTo
