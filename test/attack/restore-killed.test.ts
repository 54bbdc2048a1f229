// A restore into a database that is not in its folder dies between any two steps: until folder and database are both in
// place nobody opens the database, and doing it again is all that it takes.

import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadSettings, parseSettings } from '../../src/config/index.ts'
import { storeSettings } from '../../src/main/store-settings.ts'
import { openSnapshot, openStore, type StoreSettings } from '../../src/store/index.ts'
import { dying } from '../support/dying.ts'
import { good, keyrealm, type MadeRealm, makeRealm } from '../support/made-realm.ts'
import { startPostgres } from '../support/postgres.ts'
import { postgresSection } from '../support/postgres-section.ts'
import { DOMAIN } from '../support/world.ts'
import { attemptAll, type Effort, spread } from './crash/deaths.ts'

const scratch = mkdtempSync(join(tmpdir(), 'keyrealm restore-'))
let realm: MadeRealm
let file: string
before(async () => {
  realm = await makeRealm()
  file = realm.path('backups/b.age')
  await good('backup', '--config', realm.config, '--out', file, '--recipient', realm.recipient)
})
after(() => {
  realm?.remove()
  rmSync(scratch, { recursive: true, force: true })
})

const peopleAt = async (to: string): Promise<number> => {
  const users = await good('users', 'list', '--config', join(to, 'appliance.json'))
  return users.trim().split('\n').length
}

/** How many people a database holds, whoever may open it; none where there are no tables. */
const peopleIn = async (store: StoreSettings): Promise<number> => {
  const snapshot = await openSnapshot(store).catch(() => undefined)
  const table = snapshot?.tables.find(({ name }) => name === 'people')
  if (snapshot === undefined || table === undefined) return 0
  let count = 0
  for await (const rows of snapshot.rows(table)) count += rows.length
  await snapshot.close()
  return count
}

/** So many points before its end the folder has its name, and the database does not know yet. */
const NAMED = 5

let attempts = 0

/** Dies, or not; answers what it left. */
const attemptIn = async (section: object, point?: number) => {
  attempts += 1
  const folder = join(scratch, `${attempts}`)
  for (const name of ['places', 'scratch']) mkdirSync(join(folder, name), { recursive: true })
  const to = join(folder, 'places/restored')
  const storeFile = join(folder, 'store.json')
  writeFileSync(storeFile, JSON.stringify(section))
  const options = ['--recovery-key', realm.recoveryKey, '--realm', DOMAIN, '--to', to]
  const command = ['restore', file, ...options, '--store', storeFile]
  const ended = await dying(join(folder, 'scratch'), command, point)
  const isThere = existsSync(to)
  const raw = { ...JSON.parse(readFileSync(realm.config, 'utf8')), store: section }
  const store = storeSettings(parseSettings(raw, realm.config))
  const filled = (await peopleIn(store)) > 0
  if (!isThere && filled) {
    await assert.rejects(openStore(store, 'allowed'), { code: 'store.restore-unfinished' })
    writeFileSync(join(folder, 'other.json'), JSON.stringify(raw))
    const other = await keyrealm('users', 'list', '--config', join(folder, 'other.json'))
    assert.match(other.error, /\(store\.restore-unfinished\)\n.*keyrealm restore again/)
  }
  if (!isThere) await good(...command)
  copyFileSync(realm.path('passphrase'), join(to, 'passphrase'))
  assert.equal(await peopleAt(to), 5)
  assert.equal(existsSync(join(to, 'state/unfinished-restore')), false)
  await (await openStore(storeSettings(loadSettings(join(to, 'appliance.json'))))).close()
  const again = await keyrealm(...command)
  assert.match(again.error, /\(main\.not-empty\)/)
  const elsewhere = command.map((word) => (word === to ? join(folder, 'places/second') : word))
  const inUse = await keyrealm(...elsewhere)
  const what = store.kind === 'sqlite' ? `${store.file} holds a database` : 'the database test_'
  assert.ok(inUse.error.includes(what) && inUse.error.includes('(store.not-empty)'), inUse.error)
  const beside = readdirSync(join(folder, 'places'))
  // Killed after the last rename it leaves an empty lock, which the next one sweeps.
  assert.deepEqual(
    beside.filter((name) => !name.endsWith('.lock')),
    ['restored'],
  )
  rmSync(folder, { recursive: true })
  return { ...ended, left: isThere ? 'realm' : filled ? 'database' : 'nothing' } as const
}

const restoreTests = (name: string, sectionFor: () => Promise<object>, effort: Effort): void => {
  test(`a restore into ${name} that dies is no realm, and is done again`, async (t) => {
    const { points = 0, left } = await attemptIn(await sectionFor())
    assert.equal(left, 'realm')
    const named = await attemptIn(await sectionFor(), points - NAMED)
    assert.deepEqual([named.points, named.left], [undefined, 'realm'])
    // What matters most is at its end: the commit, the next log, the name.
    const late = spread(points, points).filter((point) => point > points * 0.75)
    const ends = await attemptAll(late, effort, async (point) =>
      attemptIn(await sectionFor(), point),
    )
    const died = ends.filter((end) => end.points === undefined)
    assert.ok(died.length >= effort.least, `only ${died.length} deaths`)
    const count = (what: string) => ended(died, what)
    t.diagnostic(
      `${died.length} deaths at ${points} points: ${count('nothing')} left nothing, ${count('database')} a database, ${count('realm')} a realm`,
    )
  })
}

const ended = (ends: readonly { readonly left: string }[], what: string): number =>
  ends.filter(({ left }) => left === what).length

let files = 0
restoreTests(
  'a SQLite file elsewhere',
  async () => {
    files += 1
    return { kind: 'sqlite', file: join(scratch, `elsewhere-${files}`, 'realm.sqlite') }
  },
  { budgetMs: 3_000, least: 1 },
)

const server = await startPostgres()
if ('unavailable' in server) {
  test('a restore into PostgreSQL that dies is no realm, and is done again', (t) => {
    assert.notEqual(process.env['KEYREALM_REQUIRE_POSTGRES'], '1', server.unavailable)
    t.skip(server.unavailable)
  })
} else {
  after(() => server.stop())
  const section = async () =>
    postgresSection(await server.createDatabase(), join(scratch, 'password'))
  restoreTests('PostgreSQL', section, { budgetMs: 3_000, least: 1 })
}
