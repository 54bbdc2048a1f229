// The offline verifier: is the log intact, and is it complete? It trusts nothing but the keys and the older
// checkpoints that its user brought, reads files through one function, and keeps a few tiles in memory.

import { openCheckpoint, type VerifiedCheckpoint } from './checkpoint.ts'
import { Findings, type Report } from './findings.ts'
import type { VerifierKey } from './note.ts'
import { Story } from './story.ts'
import { hashAt, hashesAt, parseBundle, TILE_WIDTH, tilePath, tileRoot, widthAt } from './tiles.ts'
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
  /** Every one of them must have signed. */
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

const decoder = new TextDecoder()
/** Beside the newest checkpoint: the newest that enough witnesses have co-signed. */
const WITNESSED = 'checkpoint.witnessed'

/** Where a partial tile has become a full one, the full one will do. */
const readTile = (read: ReadFile, level: number | 'entries', index: number, width: number) =>
  read(tilePath({ level, index, width })) ??
  (width === TILE_WIDTH ? undefined : read(tilePath({ level, index, width: TILE_WIDTH })))

const readHashes = (read: ReadFile, level: number, index: number, width: number) => {
  const tile = readTile(read, level, index, width)
  return tile !== undefined && tile.length >= width * HASH_BYTES
    ? tile.subarray(0, width * HASH_BYTES)
    : undefined
}

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
    findings: Findings,
  ) {
    this.#read = read
    this.#head = head
    this.#older = older.toSorted((a, b) => a.size - b.size)
    this.#findings = findings
    this.#story = new Story(findings)
  }

  run(): void {
    const { size } = this.#head
    for (let index = 0; index * TILE_WIDTH < size; index++) {
      const width = widthAt(0, index, size)
      const leaves = this.#leavesOf(index, width)
      this.#holdAgainstOlder(index, leaves)
      this.#append(index, width, leaves)
    }
    for (let level = 1; level <= this.#above.length; level++) this.#compareLevel(level)
    this.#judgeRoot()
    this.#story.end()
  }

  #leavesOf(index: number, width: number): Leaves {
    const byTile = readHashes(this.#read, 0, index, width)
    const bundle = readTile(this.#read, 'entries', index, width)
    const entries = bundle === undefined ? undefined : parseBundle(bundle)?.slice(0, width)
    const first = index * TILE_WIDTH
    const range = `entries ${first + 1} to ${first + width}`
    if (byTile === undefined)
      this.#findings.missing(`the hashes of ${range}`, tilePath({ level: 0, index, width }))
    if (entries?.length !== width) {
      this.#findings.missing(range, tilePath({ level: 'entries', index, width }))
      this.#story.skip(range)
      return { byTile, byEntries: undefined }
    }
    for (const [at, entry] of entries.entries())
      this.#story.add(first + at + 1, decoder.decode(entry))
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

const openOlder = (
  older: readonly OlderLog[],
  head: VerifiedCheckpoint,
  keys: readonly VerifierKey[],
  findings: Findings,
): readonly OpenedOlder[] =>
  older.flatMap(({ name, note, read }) => {
    const opened = openCheckpoint(note, keys)
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
  const isFresh = head.signedAt !== undefined && age.nowSeconds - head.signedAt <= age.maxSeconds
  if (isFresh) return
  const seconds =
    head.signedAt === undefined ? 'an unknown number of' : age.nowSeconds - head.signedAt
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
  const head = openCheckpoint(decoder.decode(raw), options.keys)
  if (typeof head === 'string') {
    const why = 'the wrong key, or a checkpoint that this log did not sign'
    findings.notIntact('the checkpoint', head, why)
    return findings.report()
  }
  const witnessed = read(WITNESSED)
  const kept: readonly OlderLog[] =
    witnessed === undefined
      ? options.older
      : [...options.older, { name: WITNESSED, note: decoder.decode(witnessed) }]
  const older = openOlder(kept, head, options.keys, findings)
  const shown = [{ ...head, name: 'the checkpoint', note: decoder.decode(raw) }, ...older]
  judgeForks(shown, findings)
  judgeWitnesses(shown, options, findings)
  judgeAge(head, options, findings)
  new Verification(read, head, older, findings).run()
  return findings.report(head)
}
