// Which messages are found under which hashes: kept in a database, held in memory as far as settings allow, merged in
// the background. It sees hashes of one kind only: which of them are noise, it cannot know.

import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../runtime/index.ts'
import type { KeptList, MessageRef, NewList, PostingsStore } from '../store/postings.ts'
import { createPrefixTable, LAST_DOC, type PrefixTable } from './prefix-table.ts'

export interface PostingsRules {
  /** Hashes in memory; more than that, and the database is asked instead. */
  readonly inMemory: number
  /** How long lists wait to be merged together. */
  readonly mergeAfterMs: number
}

export interface Postings {
  /** Durable when it answers. */
  append(lists: readonly NewList[]): Promise<void>
  drop(resourceUri: string): Promise<void>
  /** Messages with at least one of these hashes. */
  find(hashes: Uint8Array): Promise<readonly MessageRef[]>
  /** Resolves when everything is in memory, or is known not to fit. */
  readonly loaded: Promise<void>
  /** Hashes in memory, and whether these are all. */
  held(): { readonly hashes: number; readonly bytes: number; readonly isWhole: boolean }
  /** Merges everything that waits, now. */
  mergeAll(): Promise<void>
  close(): Promise<void>
}

/** Hashes of one step of merging: a few tens of milliseconds. */
const MERGE_HASHES = 4000
const PAGE_BYTES = 1024 * 1024
/** More lists than this are not taken until some are merged. */
const WAITING_HASHES = 2_000_000
const AGAIN_AFTER_MS = 5000

export const openPostings = async (
  store: PostingsStore,
  rules: PostingsRules,
  log: Log,
): Promise<Postings> => new KeptPostings(store, rules, log).open()

class KeptPostings implements Postings {
  readonly #store: PostingsStore
  readonly #rules: PostingsRules
  readonly #log: Log
  /** What waits to be merged. */
  #young = createPrefixTable()
  /** Everything; undefined where it does not fit. */
  #whole: PrefixTable | undefined = createPrefixTable()
  #isWhole = false
  #isClosed = false
  #timer: NodeJS.Timeout | undefined
  #merging: Promise<void> = Promise.resolve()
  #loading: Promise<void> = Promise.resolve()
  #writes: Promise<unknown> = Promise.resolve()

  constructor(store: PostingsStore, rules: PostingsRules, log: Log) {
    this.#store = store
    this.#rules = rules
    this.#log = log
  }

  async open(): Promise<this> {
    const top = await this.#store.top()
    await this.#each(top, true, (list) => this.#young.add(list.hashes, list.doc))
    this.#loading = this.#load(top).catch((error: unknown) => {
      this.#whole = undefined
      if (!this.#isClosed) this.#log.error('search.fault', { doing: 'load' }, error)
    })
    this.#mergeLater()
    return this
  }

  get loaded(): Promise<void> {
    return this.#loading
  }

  held(): { hashes: number; bytes: number; isWhole: boolean } {
    const whole = this.#whole
    const bytes = this.#young.bytes + (whole?.bytes ?? 0)
    return { hashes: whole?.size ?? this.#young.size, bytes, isWhole: this.#isWhole }
  }

  async append(lists: readonly NewList[]): Promise<void> {
    while (this.#young.size > WAITING_HASHES && !this.#isClosed) await this.mergeAll()
    const kept = await this.#inOrder(() => this.#store.append(lists))
    for (const { doc, hashes } of kept) {
      this.#young.add(hashes, doc)
      this.#hold({ doc, hashes })
    }
    this.#mergeLater()
  }

  async drop(resourceUri: string): Promise<void> {
    await this.#inOrder(() => this.#store.drop(resourceUri))
    this.#mergeLater()
  }

  async find(hashes: Uint8Array): Promise<readonly MessageRef[]> {
    if (this.#isWhole && this.#whole !== undefined) {
      return await this.#store.locate([...this.#whole.match(hashes)])
    }
    // In this order: what is merged in between is found twice rather than not at all.
    const found = this.#young.match(hashes)
    for (const doc of await this.#store.match(hashes)) found.add(doc)
    return await this.#store.locate([...found])
  }

  mergeAll(): Promise<void> {
    const before = this.#merging
    const merging = before.then(() => this.#merge())
    this.#merging = merging.catch(() => undefined)
    return merging
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await Promise.all([this.#merging, this.#loading, this.#writes])
    await this.#store.close()
  }

  /** What comes later is done later, on whichever connection: a room that is dropped stays dropped. */
  #inOrder<Result>(write: () => Promise<Result>): Promise<Result> {
    const result = this.#writes.then(write)
    this.#writes = result.catch(() => undefined)
    return result
  }

  #mergeLater(afterMs = this.#rules.mergeAfterMs): void {
    if (this.#timer !== undefined || this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.mergeAll().catch((error: unknown) => {
        this.#log.error('search.fault', { doing: 'merge' }, error)
        this.#mergeLater(AGAIN_AFTER_MS)
      })
    }, afterMs)
    this.#timer.unref()
  }

  /** Half of the time at most, so that the core's other work is never far. */
  async #merge(): Promise<void> {
    for (let isMore = true; isMore && !this.#isClosed; ) {
      const startedMs = performance.now()
      const step = await this.#inOrder(() => this.#store.mergeSome(MERGE_HASHES))
      for (const { doc, hashes } of step.merged) this.#young.remove(hashes, doc)
      for (const { doc, hashes } of step.removed) {
        this.#young.remove(hashes, doc)
        this.#whole?.remove(hashes, doc)
      }
      isMore = step.isMore
      if (isMore) await pause(performance.now() - startedMs)
    }
  }

  async #load(top: number): Promise<void> {
    await this.#each(top, false, (list) => this.#hold(list))
    this.#isWhole = this.#whole !== undefined
    this.#log.info('search.loaded', { hashes: this.#whole?.size ?? 0, isWhole: this.#isWhole })
  }

  async #each(top: number, onlyWaiting: boolean, take: (list: KeptList) => void): Promise<void> {
    for (let after = 0; after < top && !this.#isClosed; ) {
      const page = await this.#store.read({ after, upTo: top, bytes: PAGE_BYTES, onlyWaiting })
      for (const list of page) take(list)
      after = page.at(-1)?.doc ?? top
      if (!onlyWaiting) await pause()
    }
  }

  #hold({ doc, hashes }: KeptList): void {
    this.#whole?.add(hashes, doc)
    const isFull = (this.#whole?.size ?? 0) > this.#rules.inMemory || doc >= LAST_DOC
    if (!isFull || this.#whole === undefined) return
    this.#whole = undefined
    this.#isWhole = false
    this.#log.warn('search.too-many-for-memory', { inMemory: this.#rules.inMemory })
  }
}
