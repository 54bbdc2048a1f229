// A core as far as the indexer sees one: a feed, a table of hashes, nothing else. Honest unless a test makes it lie; what
// it was told and asked is all a test may look at.

import {
  type FeedEvent,
  HASH_BYTES,
  type PostedEvent,
  type PostingList,
  type SealedPart,
} from '../../src/boundary/index.ts'
import { Fault } from '../../src/fault.ts'
import type { IndexLine } from '../../src/indexer/index.ts'

export interface Kept {
  readonly revision: number
  readonly hashes: readonly string[]
}

type Unplaced = Omit<PostedEvent, 'seq' | 'kind' | 'at' | 'version'> & { readonly version?: number }

export const hexList = (base64: string): readonly string[] => {
  const hex = Buffer.from(base64, 'base64').toString('hex')
  return hex.match(new RegExp(`.{${2 * HASH_BYTES}}`, 'g')) ?? []
}

export class FeedCore implements IndexLine {
  readonly events: FeedEvent[] = []
  readonly kept = new Map<string, Map<string, Kept>>()
  /** Every list as it came. */
  readonly told: PostingList[] = []
  readonly dropped: string[] = []
  asked = 0
  up = true
  /** Fails so many of the next acknowledgements: the core has the lists and the realm does not know. */
  silent = 0
  /** What a hostile core makes of an answer. */
  twist: (events: readonly FeedEvent[]) => readonly FeedEvent[] = (events) => events

  isUp(): boolean {
    return this.up
  }

  get head(): number {
    return this.events.at(-1)?.seq ?? 0
  }

  post(items: readonly PostingList[]): Promise<void>
  async post(items: readonly PostingList[]): Promise<void> {
    if (!this.up) throw new Fault('link.down')
    for (const item of items) this.#keep(item)
    if (this.silent === 0) return
    this.silent -= 1
    throw new Fault('link.silent')
  }

  #keep(item: PostingList): void {
    this.told.push(item)
    const room = this.kept.get(item.resourceUri) ?? new Map<string, Kept>()
    this.kept.set(item.resourceUri, room)
    const known = room.get(item.messageId)
    if (known !== undefined && known.revision >= item.revision) return
    room.set(item.messageId, { revision: item.revision, hashes: hexList(item.hashes) })
  }

  async drop(resourceUri: string): Promise<void> {
    this.dropped.push(resourceUri)
    this.kept.delete(resourceUri)
  }

  ask: IndexLine['ask'] = async ({ after, upTo = this.head, limit, resourceUri }) => {
    if (!this.up) throw new Fault('link.down')
    this.asked += 1
    const most = Math.min(upTo, this.head)
    const wanted = this.events.filter(
      (event) =>
        event.seq > after &&
        event.seq <= most &&
        (resourceUri === undefined || event.resourceUri === resourceUri),
    )
    const events = wanted.slice(0, limit)
    const isAll = events.length === wanted.length
    const reached = isAll ? Math.max(after, most) : (events.at(-1)?.seq ?? after)
    return {
      ...{ type: 'feed', id: 'feed', upTo: reached, head: this.head },
      events: this.twist(events),
      ...(isAll ? {} : { more: true }),
    }
  }

  /** The next event of the feed. */
  posted(event: Unplaced): FeedEvent {
    const whole = { kind: 'posted', version: 1, at: 0, ...event, seq: this.head + 1 } as const
    this.events.push(whole)
    return whole
  }

  deleted(resourceUri: string, messageId: string, version: number): void {
    this.events.push({ kind: 'deleted', seq: this.head + 1, resourceUri, messageId, version })
  }

  /** Which messages have one of these hashes. */
  matches(base64: string): readonly string[] {
    const wanted = new Set(hexList(base64))
    return [...this.kept.values()]
      .flatMap((room) => [...room])
      .filter(([, { hashes }]) => hashes.some((hash) => wanted.has(hash)))
      .map(([messageId]) => messageId)
      .toSorted()
  }

  allHashes(): readonly string[] {
    return [...this.kept.values()].flatMap((room) =>
      [...room.values()].flatMap((one) => one.hashes),
    )
  }
}

export const textPart = (keyUri: string, sealed: string): SealedPart => ({
  name: 'text',
  keyUri,
  sealed,
})
