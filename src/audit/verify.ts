// The offline verifier: is the log intact, and is it complete? It trusts nothing but the keys and the older
// checkpoints that its user brought, reads files through one function, and keeps a few tiles in memory.

import { textIn } from './canonical.ts'
import { openCheckpoint, type VerifiedCheckpoint } from './checkpoint.ts'
import { Findings, type Report } from './findings.ts'
import type { VerifierKey } from './note.ts'
import { followRotations, KeyHistory } from './rotation.ts'
import { Story } from './story.ts'
import {
  hashAt,
  hashesAt,
  parseBundle,
  TILE_WIDTH,
  type Tile,
  tilePath,
  tileRoot,
  widthAt,
} from './tiles.ts'
import { Frontier, HASH_BYTES, leafHash, sameBytes } from './tree.ts'
import { judgeForks, judgeWitnesses, type WitnessPolicy } from './vouched.ts'

/** A file below the log's prefix, or undefined if there is none. */
export type ReadFile = (path: string) => Uint8Array | undefined

/** A checkpoint that somebody kept: the auditor, a witness, an older export. */
export interface OlderLog {
  /** What to call it in findings. */
  readonly name: string
  readonly note: string
  /** Its tiles, where there are any: then a difference is found to the entry. */
  readonly read?: ReadFile
}

export interface VerifyOptions {
  /** Every one of them must have signed, or vouched for those that did (`rotation.ts`). */
  readonly keys: readonly VerifierKey[]
  readonly older: readonly OlderLog[]
  /** Who must have co-signed what is shown. */
  readonly witnesses?: WitnessPolicy
  /** The present, in POSIX seconds, and how old the newest checkpoint may be. */
  readonly age?: { readonly nowSeconds: number; readonly maxSeconds: number }
}

interface OpenedOlder extends VerifiedCheckpoint {
  readonly name: string
  readonly note: string
  readonly read?: ReadFile
}

/** Beside the newest checkpoint: the newest that enough witnesses have co-signed. */
const WITNESSED = 'checkpoint.witnessed'

/** So many neighbouring tiles without a trace: what is left of a huge size is not looked for. */
const ABSENT_MAX = 1000
/** Clocks of the signer and of the auditor. */
const CLOCKS_APART_SECONDS = 300

/**
 * Where a partial tile has become a full one, the full one will do. `contentOf` is undefined for bytes that are not
 * exactly as wide as the path says.
 */
const readTile = <Content>(
  read: ReadFile,
  tile: Tile,
  contentOf: (bytes: Uint8Array, width: number) => Content | undefined,
): Content | undefined => {
  const widths = tile.width === TILE_WIDTH ? [TILE_WIDTH] : [tile.width, TILE_WIDTH]
  for (const width of widths) {
    const bytes = read(tilePath({ ...tile, width }))
    if (bytes !== undefined) return contentOf(bytes, width)
  }
  return undefined
}

const hashesIn = (bytes: Uint8Array, width: number) =>
  bytes.length === width * HASH_BYTES ? bytes : undefined

const readHashes = (read: ReadFile, level: number, index: number, width: number) =>
  readTile(read, { level, index, width }, hashesIn)?.subarray(0, width * HASH_BYTES)

const entriesIn = (bytes: Uint8Array, width: number) => {
  const entries = parseBundle(bytes)
  return entries?.length === width ? entries : undefined
}

const readEntries = (read: ReadFile, index: number, width: number) =>
  readTile(read, { level: 'entries', index, width }, entriesIn)?.slice(0, width)

/** The leaves of one tile, told twice: by the tile and by its entries. */
interface Leaves {
  readonly byTile: Uint8Array | undefined
  readonly byEntries: readonly Uint8Array[] | undefined
}

class Verification {
  readonly #read: ReadFile
  readonly #head: VerifiedCheckpoint
  readonly #older: readonly OpenedOlder[]
  readonly #findings: Findings
  readonly #story: Story
  readonly #keys: KeyHistory
  /** By the tiles where there are tiles, else by the entries. */
  readonly #tree = new Frontier()
  /** By the entries where there are entries; begun at the first difference. */
  #other: Frontier | undefined
  /** Roots of full tiles, by the level they stand in, that were not held against that level yet. */
  readonly #above: Uint8Array[][] = []
  readonly #altered: number[] = []
  readonly #different = new Set<string>()
  #isWhole = true

  constructor(
    read: ReadFile,
    head: VerifiedCheckpoint,
    older: readonly OpenedOlder[],
    judges: { readonly findings: Findings; readonly keys: KeyHistory },
  ) {
    const { findings, keys } = judges
    this.#keys = keys
    this.#read = read
    this.#head = head
    this.#older = older.toSorted((a, b) => a.size - b.size)
    this.#findings = findings
    this.#story = new Story(findings)
  }

  run(): void {
    const { size } = this.#head
    let absent = 0
    for (let index = 0; index * TILE_WIDTH < size && absent < ABSENT_MAX; index++) {
      const width = widthAt(0, index, size)
      const leaves = this.#leavesOf(index, width)
      absent = leaves.byTile === undefined && leaves.byEntries === undefined ? absent + 1 : 0
      this.#holdAgainstOlder(index, leaves)
      this.#append(index, width, leaves)
    }
    for (let level = 1; level <= this.#above.length; level++) this.#compareLevel(level)
    this.#judgeRoot()
    this.#story.end(this.#head.origin)
    this.#keys.end()
  }

  #leavesOf(index: number, width: number): Leaves {
    const byTile = readHashes(this.#read, 0, index, width)
    const entries = readEntries(this.#read, index, width)
    const first = index * TILE_WIDTH
    const range = `entries ${first + 1} to ${first + width}`
    if (byTile === undefined)
      this.#findings.missing(`the hashes of ${range}`, tilePath({ level: 0, index, width }))
    if (entries === undefined) {
      this.#findings.missing(range, tilePath({ level: 'entries', index, width }))
      this.#story.skip(range)
      this.#keys.skip()
      return { byTile, byEntries: undefined }
    }
    for (const [at, entry] of entries.entries()) {
      const body = textIn(entry) ?? ''
      this.#story.add(first + at + 1, body)
      this.#keys.add(first + at + 1, body)
    }
    return { byTile, byEntries: entries.map(leafHash) }
  }

  /** Extends the trees; without any hash for a leaf neither can be whole any more. */
  #append(index: number, width: number, { byTile, byEntries }: Leaves): void {
    if (!this.#isWhole) return
    const hashes: Uint8Array[] = []
    for (let at = 0; at < width; at++) {
      const told = byTile === undefined ? undefined : hashAt(byTile, at)
      const own = byEntries?.[at]
      const leaf = told ?? own
      if (leaf === undefined) {
        this.#isWhole = false
        return
      }
      if (told !== undefined && own !== undefined && !sameBytes(told, own)) {
        this.#altered.push(index * TILE_WIDTH + at + 1)
        this.#other ??= Frontier.of(this.#tree.size, this.#tree.peaks)
      }
      this.#tree.append(leaf)
      this.#other?.append(own ?? leaf)
      hashes.push(leaf)
      this.#holdAt(this.#tree.size)
    }
    if (width === TILE_WIDTH) this.#raise(1, tileRoot(Buffer.concat(hashes)))
  }

  #raise(level: number, root: Uint8Array): void {
    const row = this.#above[level - 1] ?? []
    this.#above[level - 1] = row
    row.push(root)
    if (row.length === TILE_WIDTH) this.#compareLevel(level)
  }

  /** Holds what the level below gives against the tile of this level. */
  #compareLevel(level: number): void {
    const row = this.#above[level - 1] ?? []
    this.#above[level - 1] = []
    if (row.length === 0 || !this.#isWhole) return
    const count = hashesAt(level, this.#tree.size)
    const index = Math.ceil(count / TILE_WIDTH) - 1
    const width = widthAt(level, index, this.#head.size)
    const tile = readHashes(this.#read, level, index, width)
    const path = tilePath({ level, index, width })
    if (tile === undefined) this.#findings.missing('hashes of the tree', path)
    else
      row.forEach((hash, at) => {
        if (sameBytes(hash, hashAt(tile, at))) return
        this.#different.add(
          `${path} at ${at}, over ${tilePath({ level: level - 1, index: index * TILE_WIDTH + at, width: TILE_WIDTH })}`,
        )
      })
    if (row.length === TILE_WIDTH) this.#raise(level + 1, tileRoot(Buffer.concat(row)))
  }

  #holdAt(size: number): void {
    if (!this.#isWhole) return
    for (const older of this.#older) {
      if (older.size !== size || sameBytes(this.#tree.root(), older.root)) continue
      this.#findings.notIntact(
        `${older.name}, of size ${size}`,
        'its tree is not the beginning of this one: somewhere up to there the log was rewritten',
        'nothing legitimate: both are signed, so these two checkpoints together prove it',
      )
    }
  }

  /** An older export shows which entry it was. */
  #holdAgainstOlder(index: number, { byTile, byEntries }: Leaves): void {
    for (const { name, size, read } of this.#older) {
      const width = widthAt(0, index, size)
      const before =
        read === undefined || width === 0 ? undefined : readHashes(read, 0, index, width)
      if (before === undefined) continue
      for (let at = 0; at < width; at++) {
        const now = byTile === undefined ? byEntries?.[at] : hashAt(byTile, at)
        if (now === undefined || now.length === 0 || sameBytes(now, hashAt(before, at))) continue
        this.#findings.notIntact(
          `entry ${index * TILE_WIDTH + at + 1}`,
          `it is not the one in ${name}`,
          'nothing legitimate: a published entry never changes',
        )
        return
      }
    }
  }

  #judgeRoot(): void {
    if (!this.#isWhole) {
      const what = 'it cannot be hashed again: entries are missing, and so are their hashes'
      this.#findings.notIntact('the tree', what, 'a copy that was not finished; fetch it again')
      return
    }
    const { root } = this.#head
    const isByTiles = sameBytes(this.#tree.root(), root)
    const isByEntries = this.#other !== undefined && sameBytes(this.#other.root(), root)
    if (isByTiles) this.#findings.alteredEntries(this.#altered)
    else if (isByEntries) {
      this.#findings.notIntact(
        `the hashes of ${this.#altered
          .map((sequence) => `entry ${sequence}`)
          .slice(0, 5)
          .join(', ')}`,
        'they are not those of the entries, which are as published',
        'a damaged copy of the tiles; fetch them again',
      )
    } else this.#rewritten()
    for (const where of this.#different) {
      this.#findings.notIntact(
        `tile ${where}`,
        'the two do not hash to each other',
        isByTiles
          ? 'a damaged copy of the upper tile; fetch it again'
          : 'one of the two was changed',
      )
    }
  }

  #rewritten(): void {
    this.#findings.notIntact(
      'the checkpoint',
      'the tree under it has another root: entries were changed, added, left out or moved',
      'nothing legitimate: what the log signed is not what it hands out',
    )
    this.#findings.alteredEntries(this.#altered)
  }
}

/** An older checkpoint is signed by the keys of its time. */
const openByAny = (note: string, epochs: readonly (readonly VerifierKey[])[]) => {
  const opened = epochs.map((keys) => openCheckpoint(note, keys))
  return opened.find((one) => typeof one !== 'string') ?? opened[0] ?? 'not-signed'
}

const openOlder = (
  older: readonly OlderLog[],
  head: VerifiedCheckpoint,
  epochs: readonly (readonly VerifierKey[])[],
  findings: Findings,
): readonly OpenedOlder[] =>
  older.flatMap(({ name, note, read }) => {
    const opened = openByAny(note, epochs)
    if (typeof opened === 'string') {
      findings.notIntact(name, `it cannot be used: ${opened}`, 'the wrong file, or the wrong key')
      return []
    }
    if (opened.size > head.size) {
      findings.notComplete(
        `the end, after entry ${head.size}`,
        `${name} covers ${opened.size} entries: the last ${opened.size - head.size} are missing`,
        'an older export, or a database put back from a copy; only the missing entries can tell',
      )
    }
    return [{ ...opened, name, note, ...(read === undefined ? {} : { read }) }]
  })

const judgeAge = (head: VerifiedCheckpoint, { age }: VerifyOptions, findings: Findings): void => {
  if (age === undefined) return
  const old = head.signedAt === undefined ? undefined : age.nowSeconds - head.signedAt
  if (old !== undefined && old < -CLOCKS_APART_SECONDS) {
    findings.notComplete(
      `the end, after entry ${head.size}`,
      `the newest checkpoint says that it is signed ${-old} seconds from now: nobody can tell how old it is`,
      'a clock that is wrong, there or here',
    )
    return
  }
  if (old !== undefined && old <= age.maxSeconds) return
  const seconds = old ?? 'an unknown number of'
  findings.notComplete(
    `the end, after entry ${head.size}`,
    `the newest checkpoint is ${seconds} seconds old: whatever came later is not shown`,
    'an old export; a realm that is locked, stopped or does not publish',
  )
}

/** Both verdicts, and for each failure what it is and what it would take to explain it. */
export const verifyLog = (read: ReadFile, options: VerifyOptions): Report => {
  const findings = new Findings()
  const raw = read('checkpoint')
  if (raw === undefined) {
    findings.missing('the checkpoint', 'checkpoint')
    return findings.report()
  }
  const note = textIn(raw) ?? ''
  const { keys, epochs, vouchers } = followRotations(read, options.keys, note)
  const head = openCheckpoint(note, keys)
  if (typeof head === 'string') {
    const why =
      'the wrong key, a rotation of keys that nobody recorded, or a checkpoint that this log did not sign'
    findings.notIntact('the checkpoint', head, why)
    return findings.report()
  }
  if (options.older.length === 0 && options.witnesses === undefined && options.age === undefined) {
    const text =
      'with no older checkpoint, no witness and no greatest age to hold it against, a log cut at its end looks like this'
    findings.graveNote(text)
  }
  const witnessed = read(WITNESSED)
  const kept: readonly OlderLog[] = [
    ...options.older,
    ...vouchers,
    ...(witnessed === undefined ? [] : [{ name: WITNESSED, note: textIn(witnessed) ?? '' }]),
  ]
  const older = openOlder(kept, head, epochs, findings)
  const shown = [{ ...head, name: 'the checkpoint', note }, ...older]
  judgeForks(shown, findings)
  judgeWitnesses(shown, options, findings)
  judgeAge(head, options, findings)
  const history = new KeyHistory(keys, findings)
  new Verification(read, head, older, { findings, keys: history }).run()
  return findings.report(head)
}
