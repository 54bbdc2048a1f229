// The bench of the KMS: real processes, real cryptography, one run, and ratios against limits measured in that run. See
// README.md for what each figure means. It asserts nothing about time and leaves nothing behind.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../test/support/postgres.ts'
import { sayAims } from './aims.ts'
import { type Bench, createFindings, type Findings, type Run, withRealm } from './bench.ts'
import { measureFlush } from './flush.ts'
import { type Options, parseOptions, type Section, USAGE } from './options.ts'
import { processesWith } from './proc.ts'
import { number } from './report.ts'
import { compareHandshakes, measureInterference } from './sections/handshakes.ts'
import { compareRetrievals, measureCreations } from './sections/retrievals.ts'
import { measureFlatness, measureSessions } from './sections/sizes.ts'
import { openWorld } from './world.ts'

const SQLITE_SECTIONS: readonly (readonly [Section, (bench: Bench) => Promise<void>])[] = [
  ['retrievals', (bench) => compareRetrievals(bench, 'SQLite')],
  ['creations', (bench) => measureCreations(bench, 'SQLite')],
  ['handshakes', compareHandshakes],
  ['interference', measureInterference],
  ['flatness', measureFlatness],
]

async function main(options: Options): Promise<void> {
  const findings = createFindings()
  const startMs = performance.now()
  sayWhere(findings)
  if (options.profileFolder !== undefined) mkdirSync(options.profileFolder, { recursive: true })
  const world = await openWorld({ profileFolder: options.profileFolder })
  sayFlush(findings, world.folder)
  try {
    await onSqlite({ options, findings, world })
    if (options.sections.has('memory')) await measureSessions({ options, findings, world })
    if (options.sections.has('postgres')) await onPostgres({ options, findings, world })
  } finally {
    await world.close()
  }
  sayAims(findings)
  findings.say(`\n${number((performance.now() - startMs) / 1000)} s in all.`)
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify(findings.kept, undefined, 2)}\n`)
  }
}

function sayWhere({ say }: Findings): void {
  const [first] = cpus()
  say(`Node ${process.version}, ${cpus().length} × ${first?.model ?? 'unknown processor'}`)
  say(`Load when it began: ${loadavg().map(number).join(', ')}`)
}

function sayFlush({ say, keep }: Findings, folder: string): void {
  const flush = measureFlush(folder)
  say(`A flush of the disk: p50 ${number(flush.p50)} ms, p99 ${number(flush.p99)} ms`)
  keep('flushMs', flush)
}

async function onSqlite(run: Run): Promise<void> {
  const wanted = SQLITE_SECTIONS.filter(([name]) => run.options.sections.has(name))
  if (wanted.length === 0) return
  const place = {
    name: 'sqlite',
    store: { kind: 'sqlite', file: 'realm.sqlite' },
    alsoWatched: () => ({}),
  }
  await withRealm(run, place, async (bench) => {
    for (const [, section] of wanted) await section(bench)
  })
}

async function onPostgres(run: Run): Promise<void> {
  const server = await startPostgres()
  if ('unavailable' in server) {
    run.findings.say(`\nPostgreSQL was not measured: ${server.unavailable}.`)
    return
  }
  try {
    const { username, password, hostname: host, port, pathname } = new URL(server.url)
    const passwordFile = join(run.world.folder, 'postgres-password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    const store = {
      kind: 'postgres',
      host,
      port: Number(port),
      database: pathname.slice(1),
      user: username,
      password: { file: passwordFile },
      tls: { mode: 'disable' },
    }
    const alsoWatched = () => ({ postgres: processesWith(port) })
    const place = { name: 'postgres', store, alsoWatched }
    await withRealm(run, place, async (bench) => {
      // Once each: the SQLite run has shown how far rounds differ.
      await compareRetrievals({ ...bench, effort: { ...bench.effort, rounds: 1 } }, 'PostgreSQL')
      if (!bench.effort.isQuick) await measureCreations(bench, 'PostgreSQL')
    })
  } finally {
    await server.stop()
  }
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    process.exit(2)
  }
}

await main(readOptions())
process.exit(0)
