// Integrates what has been recorded and publishes it: entries become leaves, a checkpoint is signed over
// them, and tree and checkpoint move on together. It runs beside the requests, never in their way. On
// several nodes one holds the tree for a while; correctness does not rest on that, only economy.

import { Fault } from '../fault.ts'
import { after, type Duration, type Instant, milliseconds, parseRfc3339 } from '../time.ts'
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { EMPTY_TREE, grow, loadTree, rootOfTree, type Tree } from './integrate.ts'
import { parseNote } from './note.ts'
import type { LogDatabase, LogTransaction, StoredEntry, TreeHead } from './ports.ts'
import { hashAt, type ReadTile, rootsOf, TILE_WIDTH } from './tiles.ts'
import { EMPTY_ROOT, leafHash, sameBytes } from './tree.ts'
import type { Unpublished } from './unpublished.ts'

export type StepOutcome =
  /** A checkpoint was published; `isMore`: there are more entries to integrate right now. */
  | { readonly did: 'published'; readonly entries: number; readonly isMore: boolean }
  /** There was nothing to do, or the realm is locked, or another node does it. */
  | { readonly did: 'nothing' | 'locked' | 'followed' }

export interface Publisher {
  /** One bounded run. Throws a Fault `audit.…` if tree and entries do not fit each other. */
  step(): Promise<StepOutcome>
}

export interface PublisherParts {
  readonly database: LogDatabase
  /** Names this node, and this start of it. */
  readonly holder: string
  readonly originOf: (generation: number) => string
  /** Called before signing: from now on the keys of this epoch sign. */
  readonly useKeys: (keyEpoch: number) => Promise<void>
  /** The signed note, or undefined while the keys are locked. */
  readonly sign: (checkpoint: Checkpoint, now: Instant) => string | undefined
  /**
   * Called with each note once it is durable, before anybody else hears of it, also with those of other nodes; and
   * with the unsigned beginning of a log before its first note.
   */
  readonly keep: (note: string) => void
  /** What this process recorded: it is signed, and let be signed, as it was. */
  readonly recorded?: Unpublished | undefined
  readonly now: () => Instant
  /** A node that stays silent for so long loses the tree to another. */
  readonly heldFor: Duration
  /** A checkpoint is signed anew after so long, so that its age says how old the news is. */
  readonly renewedAfter: Duration
}

/** Entries integrated in one step: what a busy second brings is a few steps. */
const STEP_ENTRIES = 4096

export const leafOf = ({ body }: StoredEntry): Uint8Array => leafHash(body)

/** Tiles of a transaction. Throws a Fault `audit.tile-missing` for one that is not there. */
export const tilesIn =
  ({ tree }: LogTransaction): ReadTile =>
  async (level, index) => {
    const tile = await tree.tile(level, index)
    if (tile === undefined) throw new Fault('audit.tile-missing', new Error(`${level}/${index}`))
    return tile
  }

/** What the stored checkpoint says; undefined before the first one. */
export const publishedIn = (head: TreeHead): Checkpoint | undefined => {
  if (head.checkpoint === '') return undefined
  const note = parseNote(head.checkpoint)
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text)
  if (checkpoint === undefined) throw new Fault('audit.tree-damaged')
  return checkpoint
}

/** The tree as stored, held against the checkpoint that was published of it. */
const loadPublished = async (tx: LogTransaction, head: TreeHead): Promise<Tree> => {
  const tree = head.size === 0 ? EMPTY_TREE : await loadTree(head.size, tilesIn(tx))
  const published = publishedIn(head)
  if (published !== undefined) {
    const isSame = published.size === head.size && sameBytes(published.root, rootOfTree(tree))
    if (!isSame) throw new Fault('audit.tree-damaged')
  }
  return tree
}

const assertFollows = (size: number, entries: readonly StoredEntry[]): void => {
  entries.forEach(({ sequence }, index) => {
    if (sequence !== size + 1 + index) throw new Fault('audit.entry-missing')
  })
}

const altered = ({ sequence }: StoredEntry): Fault =>
  new Fault('audit.entry-altered', new Error(`entry ${sequence}`))

/** Throws a Fault `audit.entry-altered` unless these entries are the leaves that were published. */
const assertPublished = async (
  tx: LogTransaction,
  entries: readonly StoredEntry[],
): Promise<void> => {
  for (const entry of entries) {
    const index = entry.sequence - 1
    const tile = await tilesIn(tx)(0, Math.floor(index / TILE_WIDTH))
    if (!sameBytes(leafOf(entry), hashAt(tile, index % TILE_WIDTH))) throw altered(entry)
  }
}

/** The root over the first `size` leaves, as the tiles have it. */
export const rootAt = async (tx: LogTransaction, size: number): Promise<Uint8Array | undefined> =>
  size === 0 ? EMPTY_ROOT : (await rootsOf(tilesIn(tx), [[0, size]]))[0]

interface Found {
  readonly head: TreeHead
  readonly tree: Tree
  readonly entries: readonly StoredEntry[]
}

class LogPublisher implements Publisher {
  readonly #parts: PublisherParts
  /** The note that was kept last. */
  #kept = ''
  /** The tree as this node left it; read again if another node has moved it on. */
  #known: { readonly tree: Tree; readonly generation: number } | undefined

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  async step(): Promise<StepOutcome> {
    const { database, holder, now } = this.#parts
    const found = await database.read((tx) => this.#find(tx))
    const { head, entries } = found
    if (entries.length === 0 && !this.#isStale(head)) return { did: 'nothing' }
    if (head.holder !== holder && this.#isHeld(head, now())) return { did: 'followed' }
    return this.#publish(found)
  }

  /** A lease that ends later than one begun now would is none: a clock was turned, or a hand was at it. */
  #isHeld({ heldUntil }: TreeHead, now: Instant): boolean {
    return now < heldUntil && heldUntil <= after(now, this.#parts.heldFor)
  }

  #isStale({ size, checkpoint, publishedAt }: TreeHead): boolean {
    const { now, renewedAfter } = this.#parts
    const isUnsigned = checkpoint === '' && size > 0
    return isUnsigned || (checkpoint !== '' && after(publishedAt, renewedAfter) <= now())
  }

  async #find(tx: LogTransaction): Promise<Found> {
    const head = await tx.tree.head()
    const tree = await this.#treeOf(tx, head)
    await this.#followOthers(tx, head)
    this.#known = { tree, generation: head.generation }
    return { head, tree, entries: await tx.audit.read(head.size, STEP_ENTRIES) }
  }

  /** What this process knew of the tree is how the tree begins, or somebody put another one in its place. */
  async #treeOf(tx: LogTransaction, head: TreeHead): Promise<Tree> {
    const known = this.#known?.generation === head.generation ? this.#known.tree : undefined
    if (known === undefined) return loadPublished(tx, head)
    if (head.size < known.size) throw new Fault('audit.log-behind')
    const tree = head.size === known.size ? known : await loadPublished(tx, head)
    const before = tree === known ? publishedIn(head)?.root : await rootAt(tx, known.size)
    if (before !== undefined && !sameBytes(before, rootOfTree(known))) {
      throw new Fault('audit.log-forked')
    }
    return tree
  }

  /** What others have published is held against what was recorded here, and kept. */
  async #followOthers(tx: LogTransaction, { size, checkpoint }: TreeHead): Promise<void> {
    const { recorded, keep } = this.#parts
    await assertPublished(tx, recorded?.upTo(size) ?? [])
    recorded?.forget(size)
    if (checkpoint === '' || checkpoint === this.#kept) return
    keep(checkpoint)
    this.#kept = checkpoint
  }

  async #publish({ head, tree, entries }: Found): Promise<StepOutcome> {
    const { database, holder, originOf, useKeys, sign, keep, now, heldFor, recorded } = this.#parts
    assertFollows(tree.size, entries)
    const wrong = entries.find((entry) => recorded?.isAsRecorded(entry) === false)
    if (wrong !== undefined) throw altered(wrong)
    const grown = grow(tree, entries.map(leafOf))
    const { size } = grown.tree
    await useKeys(head.keyEpoch)
    const moment = now()
    const origin = originOf(head.generation)
    const checkpoint = sign({ origin, size, root: rootOfTree(grown.tree) }, moment)
    if (checkpoint === undefined) return { did: 'locked' }
    const next: TreeHead = {
      size,
      generation: head.generation,
      keyEpoch: head.keyEpoch,
      checkpoint,
      publishedAt: moment,
      holder,
      heldUntil: after(moment, heldFor),
    }
    const step = { before: head.size, tiles: grown.tiles, head: next }
    const beginning = { origin, size: head.size, root: rootOfTree(tree) }
    if (head.checkpoint === '') keep(formatCheckpoint(beginning))
    if (!(await database.transact((tx) => tx.tree.advance(step, moment)))) {
      return { did: 'followed' }
    }
    this.#known = { tree: grown.tree, generation: head.generation }
    keep(checkpoint)
    this.#kept = checkpoint
    recorded?.forget(size)
    return {
      did: 'published',
      entries: entries.length,
      isMore: entries.length === STEP_ENTRIES,
    }
  }
}

/** For how long the oldest unpublished entry has waited. A clock that was turned back makes nothing younger. */
export const waitedFor = (oldest: StoredEntry | undefined, now: Instant): Duration => {
  if (oldest === undefined) return milliseconds(0)
  const { time }: { readonly time?: unknown } = JSON.parse(oldest.body)
  const recorded = parseRfc3339(time)
  return milliseconds(recorded === undefined ? Number.POSITIVE_INFINITY : Math.abs(now - recorded))
}

export const createPublisher = (parts: PublisherParts): Publisher => new LogPublisher(parts)
