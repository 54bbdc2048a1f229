// Integrates what has been recorded and publishes it: entries become leaves, a checkpoint is signed over
// them, and tree and checkpoint move on together. It runs beside the requests, never in their way. On
// several nodes one holds the tree for a while; correctness does not rest on that, only economy.

import { Fault } from '../fault.ts'
import { after, type Duration, type Instant } from '../time.ts'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { EMPTY_TREE, grow, loadTree, rootOfTree, type Tree } from './integrate.ts'
import { parseNote } from './note.ts'
import type { LogDatabase, LogTransaction, StoredEntry, TreeHead } from './ports.ts'
import type { ReadTile } from './tiles.ts'
import { leafHash, sameBytes } from './tree.ts'

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
  /** Called with each note once it is durable, before anybody else hears of it. */
  readonly keep: (note: string) => void
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

interface Found {
  readonly head: TreeHead
  readonly tree: Tree
  readonly entries: readonly StoredEntry[]
}

class LogPublisher implements Publisher {
  readonly #parts: PublisherParts
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
    if (head.holder !== holder && now() < head.heldUntil) return { did: 'followed' }
    return this.#publish(found)
  }

  #isStale({ size, checkpoint, publishedAt }: TreeHead): boolean {
    const { now, renewedAfter } = this.#parts
    const isUnsigned = checkpoint === '' && size > 0
    return isUnsigned || (checkpoint !== '' && after(publishedAt, renewedAfter) <= now())
  }

  async #find(tx: LogTransaction): Promise<Found> {
    const head = await tx.tree.head()
    const known = this.#known
    const isNews = known?.generation === head.generation && head.size < known.tree.size
    // The database was put back under a running realm.
    if (isNews) throw new Fault('audit.log-behind')
    const isKnown = known?.generation === head.generation && known.tree.size === head.size
    const tree = isKnown ? known.tree : await loadPublished(tx, head)
    this.#known = { tree, generation: head.generation }
    return { head, tree, entries: await tx.audit.read(head.size, STEP_ENTRIES) }
  }

  async #publish({ head, tree, entries }: Found): Promise<StepOutcome> {
    const { database, holder, originOf, useKeys, sign, keep, now, heldFor } = this.#parts
    assertFollows(tree.size, entries)
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
    if (!(await database.transact((tx) => tx.tree.advance(step, moment)))) {
      return { did: 'followed' }
    }
    this.#known = { tree: grown.tree, generation: head.generation }
    keep(checkpoint)
    return {
      did: 'published',
      entries: entries.length,
      isMore: entries.length === STEP_ENTRIES,
    }
  }
}

export const createPublisher = (parts: PublisherParts): Publisher => new LogPublisher(parts)
