// Commands of the audit log. They read the database beside a running server; each use of the log is recorded
// in it before anything is shown.

import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type {
  AuditActions,
  AuditExportOptions,
  AuditSearchOptions,
  AuditVerifyOptions,
  CliOutput,
  WithConfig,
} from '../admin/index.ts'
import {
  brokenAt,
  formatVkey,
  type LogTransaction,
  parseCheckpoint,
  parseNote,
  proveConsistency,
  proveInclusion,
  rotationPath,
  type StoredEntry,
  servedCheckpoint,
  servedRotation,
  servedTile,
  servedWitnessed,
  TILE_WIDTH,
  tilePath,
  tilesOf,
  verifierKeyOf,
} from '../audit/index.ts'
import { readNamedText } from '../config/index.ts'
import type { Realm } from './assembly.ts'
import { besideAsFound as beside, DONE, FAILED, printRows, type Row } from './beside.ts'
import { CommandError } from './command-error.ts'
import { runErase } from './erase.ts'
import { printable } from './printable.ts'
import { withProgress } from './progress.ts'
import { originOf } from './published-log.ts'
import { recordReading, recordUse } from './reading.ts'
import { runReconcile } from './reconcile-log.ts'
import { acceptRestore } from './restored.ts'
import { exitCodeOf, reportLines, UsageError, verifyDirectory } from './verify-files.ts'
import { createWitnessCommands } from './witness-commands.ts'

const PAGE = 2000
/** The same exit code as other mistakes in use. */
const EXIT_USAGE = 2

interface Looked {
  readonly entries: readonly StoredEntry[]
  /** Where the database no longer holds what was published. */
  readonly broken?: number | undefined
}

/** Entries from behind one, held against the tree. */
const pageOf = (realm: Realm, after: number, limit: number): Promise<Looked> =>
  realm.store.read(async (tx) => {
    const entries = await tx.audit.read(after, limit)
    return { entries, broken: await brokenAt(tx, { after, limit }, entries) }
  })

const asRow = ({ sequence, body }: StoredEntry): string => `${sequence}\t${printable(body)}\n`

/** The entry is JSON already, and stands as it was hashed. */
const asJson = ({ sequence, body }: StoredEntry): string =>
  `{"sequence":${sequence},"entry":${body}}\n`

/** What was found is shown as it is, evidence too; that it is not what was published is said and is a failure. */
const looking = (
  { config, json }: WithConfig,
  output: CliOutput,
  look: (realm: Realm) => Promise<Looked>,
): Promise<number> =>
  beside(config, async (realm) => {
    const { entries, broken } = await look(realm)
    for (const entry of entries) output.out(json === true ? asJson(entry) : asRow(entry))
    if (broken === undefined) return DONE
    output.error(`keyrealm: entry ${broken} is not the one that was published, or is missing\n`)
    return FAILED
  })

const auditPage = (after: number, limit: number) => async (realm: Realm) => {
  const looked = await pageOf(realm, after, limit)
  await recordReading(realm.ledger, after, looked.entries.length)
  return looked
}

interface Said {
  readonly action?: string
  readonly outcome?: string
  readonly time?: string
  readonly actor?: { readonly id?: string }
  readonly onBehalfOf?: string
  readonly [name: string]: unknown
}

const namesUri = (said: Said, uri: string): boolean =>
  Object.values(said).some((value) =>
    Array.isArray(value)
      ? value.some((one) => one === uri || Object(one).key === uri)
      : value === uri,
  )

/** Undefined for what our own encoder cannot have written. */
const saidIn = ({ body }: StoredEntry): Said | undefined => {
  try {
    return JSON.parse(body) as Said
  } catch {
    return undefined
  }
}

/** What nobody can read is not hidden. */
const isSought = (entry: StoredEntry, wanted: AuditSearchOptions): boolean => {
  const said = saidIn(entry)
  if (said === undefined) return true
  const { actor, action, outcome, uri, from, to } = wanted
  const time = said.time ?? ''
  return [
    actor === undefined || said.actor?.id === actor || said.onBehalfOf === actor,
    action === undefined || said.action === action,
    outcome === undefined || said.outcome === outcome,
    uri === undefined || namesUri(said, uri),
    from === undefined || time >= from,
    to === undefined || time < to,
  ].every(Boolean)
}

const search = (wanted: AuditSearchOptions) => async (realm: Realm) => {
  const found: StoredEntry[] = []
  let { after } = wanted
  let broken: number | undefined
  for (;;) {
    const page = await pageOf(realm, after, PAGE)
    broken ??= page.broken
    found.push(...page.entries.filter((entry) => isSought(entry, wanted)))
    after = page.entries.at(-1)?.sequence ?? after
    if (page.entries.length < PAGE || found.length >= wanted.limit) break
  }
  const entries = found.slice(0, wanted.limit)
  const details = { after: wanted.after, to: after, count: entries.length }
  await recordUse(realm.ledger, 'audit.searched', details)
  return { entries, broken }
}

const keyRows = (realm: Realm) =>
  realm.store.read(async (tx) => {
    const name = originOf(realm.settings)((await tx.tree.head()).generation)
    return (await tx.logKeys.all('log')).map((key): Row => [formatVkey(verifierKeyOf(name, key))])
  })

const exportRotations = async ({ store }: Realm, to: string): Promise<void> => {
  for (let number = 1; ; number++) {
    const rotation = await store.read((tx) => servedRotation(tx, number))
    if (rotation === undefined) return
    const file = join(to, rotationPath(number))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, rotation)
  }
}

/** Full tiles never change, so those that are there are left. The checkpoint comes last. */
const exportLog =
  ({ to }: AuditExportOptions, output: CliOutput) =>
  async (realm: Realm) => {
    const { size, checkpoint, witnessed } = await realm.store.read(async (tx) => ({
      size: (await tx.tree.head()).size,
      checkpoint: await servedCheckpoint(tx),
      witnessed: await servedWitnessed(tx),
    }))
    if (checkpoint === '') throw new CommandError('main.not-published', 'nothing is published yet')
    await recordUse(realm.ledger, 'audit.exported', { size })
    for (const tile of tilesOf(size)) {
      const file = join(to, tilePath(tile))
      if (existsSync(file)) continue
      const bytes = await realm.store.read((tx) => servedTile(tx, tile))
      if (bytes === undefined) throw new CommandError('main.not-published', tilePath(tile))
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(`${file}.new`, bytes)
      renameSync(`${file}.new`, file)
    }
    await exportRotations(realm, to)
    if (witnessed !== undefined) {
      writeFileSync(join(to, 'checkpoint.witnessed'), witnessed.note)
    }
    writeFileSync(join(to, 'checkpoint'), checkpoint)
    output.out(`${size} entries, ${Math.ceil(size / TILE_WIDTH)} bundles\n`)
    return DONE
  }

const prove = async (
  realm: Realm,
  output: CliOutput,
  about: { readonly action: string; readonly number: number },
  make: (tx: LogTransaction) => Promise<string | undefined>,
): Promise<number> => {
  const proof = await realm.store.read(make)
  if (proof === undefined) {
    throw new CommandError('main.not-published', 'the newest checkpoint does not cover it')
  }
  await recordUse(realm.ledger, about.action, { number: about.number })
  output.out(proof)
  return DONE
}

const sizeIn = (file: string): number => {
  const note = parseNote(readNamedText(file))
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text)
  if (checkpoint === undefined) {
    throw new CommandError('main.not-a-checkpoint', 'the file is not a checkpoint')
  }
  return checkpoint.size
}

const verify = async (options: AuditVerifyOptions, output: CliOutput): Promise<number> => {
  const { directory, key, since, witness, quorum, maxAge, config } = options
  try {
    const nowSeconds = Math.floor(Date.now() / 1000)
    const age = maxAge === undefined ? {} : { maxAgeSeconds: maxAge }
    const enough = quorum === undefined ? {} : { quorum }
    const policy = { witnesses: witness, ...enough }
    const request = { directory, keys: key, since, nowSeconds, ...policy, ...age }
    const report = await withProgress(output, ({ show }) =>
      verifyDirectory({ ...request, onBytes: (total) => show(total, 'verified') }),
    )
    for (const line of reportLines(report)) output.out(`${line}\n`)
    if (config !== undefined) {
      const { isIntact, isComplete, head } = report
      const details = { isIntact, isComplete, size: head?.size ?? 0 }
      await beside(config, (realm) => recordUse(realm.ledger, 'audit.verified', details))
    }
    return exitCodeOf(report)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    output.error(`keyrealm: ${error.message}\n`)
    return EXIT_USAGE
  }
}

/** All but those that need the realm's keys. */
export const createAuditCommands = (output: CliOutput): Omit<AuditActions, 'auditRotateKey'> => ({
  ...createWitnessCommands(output),
  auditShow: (options) => looking(options, output, auditPage(options.after, options.limit)),
  auditSearch: (options) => looking(options, output, search(options)),
  auditKey: ({ config, json }) =>
    beside(config, async (realm) => {
      const rows = await keyRows(realm)
      printRows(rows, output, json)
      return rows.length === 0 ? FAILED : DONE
    }),
  auditExport: (options) => beside(options.config, exportLog(options, output)),
  auditProve: ({ config, sequence }) =>
    beside(config, (realm) =>
      prove(realm, output, { action: 'audit.proved', number: sequence }, (tx) =>
        proveInclusion(tx, sequence),
      ),
    ),
  auditConsistency: ({ config, from }) =>
    beside(config, (realm) => {
      const old = sizeIn(from)
      return prove(realm, output, { action: 'audit.compared', number: old }, (tx) =>
        proveConsistency(tx, old),
      )
    }),
  auditVerify: (options) => verify(options, output),
  auditReconcile: (options) => runReconcile(options, output),
  auditErase: (options) => runErase(options, output),
  auditAcceptRestore: ({ config }) =>
    beside(config, async (realm) => {
      const evidence = await acceptRestore(realm)
      output.out(
        `the checkpoint from before is ${evidence === undefined ? 'gone' : `kept in ${evidence}`}\n`,
      )
      return DONE
    }),
})
