// `keyrealm audit reconcile`: the same pure code over a realm's own log or over an export, and what it says of it.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditReconcileOptions, CliOutput } from '../admin/index.ts'
import {
  type Orphan,
  parseBundle,
  parseCheckpoint,
  parseNote,
  type ReadLog,
  type Reconciled,
  reconcile,
  type StoredEntry,
  TILE_WIDTH,
  textIn,
  tilePath,
} from '../audit/index.ts'
import { readNamedFile, readNamedText } from '../config/index.ts'
import { parseRfc3339, toRfc3339 } from '../time.ts'
import type { Realm } from './assembly.ts'
import { besideAsFound } from './beside.ts'
import { CommandError } from './command-error.ts'
import { printable } from './printable.ts'
import { recordUse } from './reading.ts'

const UNSEEN_RELEASES = 4
const UNEXPLAINED_USES = 8
const PAGE = 2000

/** More than the largest bundle that tlog-tiles allows. */
const BUNDLE_MAX_BYTES = 17 * 1024 * 1024

export const ofRealm = (realm: Realm): ReadLog =>
  async function* () {
    for (let after = 0; ; ) {
      const from = after
      const page = await realm.store.read((tx) => tx.audit.read(from, PAGE))
      yield* page
      after = page.at(-1)?.sequence ?? after
      if (page.length < PAGE) return
    }
  }

const refuseDamaged = (index: number): never => {
  throw new CommandError('main.export-damaged', `bundle ${index} is missing or damaged`)
}

const bundleIn = (directory: string, index: number, width: number): readonly Uint8Array[] => {
  const files = [width, TILE_WIDTH].map((wide) =>
    join(directory, tilePath({ level: 'entries', index, width: wide })),
  )
  const file = files.find((one) => existsSync(one))
  const entries =
    file === undefined ? undefined : parseBundle(readNamedFile(file, BUNDLE_MAX_BYTES))
  if (entries === undefined || entries.length < width) return refuseDamaged(index)
  return entries.slice(0, width)
}

export const ofExport = (directory: string): ReadLog => {
  const file = join(directory, 'checkpoint')
  const note = existsSync(file) ? parseNote(readNamedText(file)) : undefined
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text)
  if (checkpoint === undefined) {
    throw new CommandError('main.not-a-checkpoint', 'there is no export here')
  }
  const { size } = checkpoint
  return async function* () {
    for (let index = 0; index * TILE_WIDTH < size; index++) {
      const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH)
      const bundle = bundleIn(directory, index, width)
      yield* bundle.map(
        (bytes, at): StoredEntry => ({
          sequence: index * TILE_WIDTH + at + 1,
          body: textIn(bytes) ?? refuseDamaged(index),
        }),
      )
    }
  }
}

/** Entries say their time with three decimals and Z; texts compare as times only in that form. */
const timeOf = (raw: string | undefined): string | undefined => {
  if (raw === undefined) return undefined
  const parsed = parseRfc3339(raw)
  if (parsed === undefined) throw new CommandError('main.invalid-time', 'a time is RFC 3339, UTC')
  return toRfc3339(parsed)
}

const orphanLine = ({ side, sequence, kind, actor, device, key }: Orphan): string =>
  `${side === 'release' ? 'no receipt' : 'no release'}\tentry ${sequence}\t${kind} ${actor}\t${printable(device)}\t${printable(key)}`

const totalLines = (found: Reconciled): readonly string[] => [
  `read\tto entry ${found.readTo}`,
  `devices that send receipts\t${found.devicesWithReceipts}`,
  `keys with a receipt\t${found.receipted}`,
  `keys to machines, by a standing grant\t${found.granted}`,
  ...Object.entries(found.silent).map(
    ([kind, count]) => `keys to devices that send no receipts (${kind})\t${count}`,
  ),
  `keys that left and no device acknowledged\t${found.releaseOrphans}`,
  `uses explained by a release\t${found.usesExplained}`,
  `uses that no release explains\t${found.useOrphans}`,
]

const run = async (
  read: ReadLog,
  { since, until, expectReceipts, json }: AuditReconcileOptions,
  output: CliOutput,
): Promise<Reconciled> => {
  const [from, to] = [timeOf(since), timeOf(until)]
  const found = await reconcile(read, {
    ...(from === undefined ? {} : { since: from }),
    ...(to === undefined ? {} : { until: to }),
    areReceiptsExpected: expectReceipts === true,
    onOrphan: (orphan) =>
      output.out(`${json === true ? JSON.stringify(orphan) : orphanLine(orphan)}\n`),
  })
  const lines = json === true ? [JSON.stringify(found)] : totalLines(found)
  for (const line of lines) output.out(`${line}\n`)
  return found
}

const exitCodeOf = ({ releaseOrphans, useOrphans }: Reconciled): number =>
  (releaseOrphans === 0 ? 0 : UNSEEN_RELEASES) + (useOrphans === 0 ? 0 : UNEXPLAINED_USES)

export const runReconcile = async (
  options: AuditReconcileOptions,
  output: CliOutput,
): Promise<number> => {
  const { config, export: directory } = options
  const found =
    config === undefined
      ? await run(ofExport(directory ?? refuseNothing()), options, output)
      : await besideAsFound(config, async (realm) => {
          const read = directory === undefined ? ofRealm(realm) : ofExport(directory)
          const { since = '', until = '' } = options
          await recordUse(realm.ledger, 'audit.reconciled', { since, until })
          return run(read, options, output)
        })
  return exitCodeOf(found)
}

const refuseNothing = (): never => {
  throw new CommandError('main.no-log', 'name the --config of a realm, or an --export')
}
