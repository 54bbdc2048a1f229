// What a log is asked for, out of the store: tiles and entry bundles of what is published, and the proofs
// made of them. Nothing beyond the newest checkpoint is handed out.

import { Fault } from '../fault.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { parseNote } from './note.ts'
import type { LogTransaction } from './ports.ts'
import { formatConsistency, formatInclusion } from './proof.ts'
import { publishedIn, tilesIn } from './publish.ts'
import { encodeBundle, isTileWithin, rootsOf, TILE_WIDTH, type Tile } from './tiles.ts'
import { consistencyRanges, HASH_BYTES, inclusionRanges } from './tree.ts'

const utf8 = new TextEncoder()

/** The bytes of a tile or bundle, or undefined if the published tree has no such one. */
export const servedTile = async (
  tx: LogTransaction,
  tile: Tile,
): Promise<Uint8Array | undefined> => {
  const { size } = await tx.tree.head()
  if (!isTileWithin(tile, size)) return undefined
  const { level, index, width } = tile
  if (level !== 'entries') return (await tilesIn(tx)(level, index)).subarray(0, width * HASH_BYTES)
  const entries = await tx.audit.read(index * TILE_WIDTH, width)
  const isWhole = entries.every(({ sequence }, at) => sequence === index * TILE_WIDTH + 1 + at)
  if (entries.length !== width || !isWhole) throw new Fault('audit.entry-missing')
  return encodeBundle(entries.map(({ body }) => utf8.encode(body)))
}

/** Proves that the entry with this sequence is in the log (C2SP tlog-proof); undefined if it is not. */
export const proveInclusion = async (
  tx: LogTransaction,
  sequence: number,
): Promise<string | undefined> => {
  const { size, checkpoint } = await tx.tree.head()
  if (sequence < 1 || sequence > size || checkpoint === '') return undefined
  const [entry] = await tx.audit.read(sequence - 1, 1)
  if (entry?.sequence !== sequence) throw new Fault('audit.entry-missing')
  const index = sequence - 1
  const hashes = await rootsOf(tilesIn(tx), inclusionRanges(index, size))
  return formatInclusion({ index, hashes, checkpoint, extra: utf8.encode(entry.body) })
}

/** How the keys of before vouch for those that followed them: a C2SP tlog-proof. Rotations are numbered from 1. */
export const servedRotation = async (
  tx: LogTransaction,
  number: number,
): Promise<string | undefined> => {
  const { generation } = await tx.tree.head()
  const over = (await tx.tree.rotations()).filter(
    (one) => one.generation === generation && one.note !== '',
  )
  const rotation = over[number - 1]
  if (rotation === undefined) return undefined
  const { sequence, note } = rotation
  const size = parseCheckpoint(parseNote(note)?.text ?? '')?.size ?? 0
  const [entry] = await tx.audit.read(sequence - 1, 1)
  if (entry?.sequence !== sequence || size < sequence) throw new Fault('audit.entry-missing')
  const hashes = await rootsOf(tilesIn(tx), inclusionRanges(sequence - 1, size))
  const extra = utf8.encode(entry.body)
  return formatInclusion({ index: sequence - 1, hashes, checkpoint: note, extra })
}

/** Proves that the tree of `old` entries begins the published one; undefined if it is larger. */
export const proveConsistency = async (
  tx: LogTransaction,
  old: number,
): Promise<string | undefined> => {
  const head = await tx.tree.head()
  const published = publishedIn(head)
  if (published === undefined || old > published.size) return undefined
  const hashes = await rootsOf(tilesIn(tx), consistencyRanges(old, published.size))
  return formatConsistency({ index: old, hashes, checkpoint: head.checkpoint })
}
