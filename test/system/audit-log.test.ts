// The verifiable log of a running realm, as an auditor meets it: fetched over HTTP, checked by the verifier that is one
// file, and by a program in Go that shares no line with it; then killed, and put back from a copy.

import assert from 'node:assert/strict'
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { until } from './flow.ts'

const VERIFIER = join(import.meta.dirname, '../../verifier/audit-verify.mjs')
const GO_READER = join(import.meta.dirname, '../independent/go')
const run = promisify(execFile)

let world: RunningWorld
let folder: string
before(async () => {
  world = await startRunningWorld()
  folder = join(world.plan.data, 'auditor')
  mkdirSync(folder, { recursive: true })
})
after(() => world?.close())

const good = async (...command: string[]): Promise<string> => {
  const { code, out, error } = await world.keyrealm(...command)
  assert.deepEqual({ code, error }, { code: 0, error: '' }, command.join(' '))
  return out
}
const fetched = (path: string) => world.page(world.acme.logPort, path)
const checkpoint = async () => (await fetched('/log/checkpoint')).body
const sizeOf = (note: string): number => Number(note.split('\n')[1])
const recorded = async () => (await world.entries()).length

const published = (size: number) =>
  until('publishing', async () => sizeOf(await checkpoint()) >= size)

/** The stand-alone verifier, alone: copied away, run by Node and nothing else. */
const verify = (...args: string[]) => {
  const file = join(folder, 'audit-verify.mjs')
  if (!existsSync(file)) cpSync(VERIFIER, file)
  const { status, stdout } = spawnSync(process.execPath, [file, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: {},
  })
  return { code: status, out: stdout }
}

/** The reader in Go, built; undefined where there is no Go, or no way to its one module. */
const buildGoReader = (): string | undefined => {
  const program = join(tmpdir(), `keyrealm-independent-${process.pid}`)
  try {
    execFileSync('go', ['build', '-o', program, '.'], { cwd: GO_READER, stdio: 'pipe' })
    return program
  } catch {
    return undefined
  }
}

test('is published within a second, in tiles that a stranger’s program accepts', async (t) => {
  const before = await recorded()
  await published(before)
  const keys = (await good('audit', 'key')).trim().split('\n')
  assert.equal(keys.length, 2)
  writeFileSync(join(folder, 'keys'), keys.join('\n'))
  assert.match(await good('audit', 'export', '--to', join(folder, 'export')), /entries/)
  assert.deepEqual(verify('export', '--key', 'keys', '--max-age', '300').code, 0)

  writeFileSync(join(folder, 'old'), await checkpoint())
  const added = await recorded()
  await published(added)
  const proof = await good('audit', 'prove', '--sequence', '1')
  writeFileSync(join(folder, 'proof'), proof)
  const grown = await good('audit', 'consistency', '--from', join(folder, 'old'))
  writeFileSync(join(folder, 'grown'), grown)
  assert.match(verify('--proof', 'proof', '--key', 'keys').out, /^entry 1 of /)
  assert.equal(verify('--proof', 'grown', '--key', 'keys', '--since', 'old').code, 0)
  writeFileSync(join(folder, 'forged'), proof.replace('index 0', 'index 1'))
  assert.equal(verify('--proof', 'forged', '--key', 'keys').code, 1)

  const reader = buildGoReader()
  if (reader === undefined) return t.skip('there is no Go here: nobody independent has read it')
  const [vkey = ''] = keys
  const url = `http://127.0.0.1:${world.acme.logPort}/log/`
  const read = (...args: string[]) => run(reader, ['-key', vkey, ...args], { cwd: folder })
  assert.match((await read('-log', 'export')).stdout, /entries/)
  assert.match((await read('-log', url, '-proof', 'proof')).stdout, /included/)
  assert.match((await read('-consistency', 'grown', '-since', 'old')).stdout, /consistent/)
  await assert.rejects(read('-proof', 'forged'))
  const bundle = join(folder, 'export/tile/entries', firstBundle(join(folder, 'export')))
  const bytes = readFileSync(bundle)
  bytes[40] = (bytes[40] ?? 0) ^ 1
  writeFileSync(bundle, bytes)
  await assert.rejects(read('-log', 'export'))
  const found = verify('export', '--key', 'keys')
  assert.ok(found.code === 4 || found.code === 12, 'the byte may be one that the story needs')
  assert.match(found.out, /not intact: entry 1: /)
  rmSync(reader)
})

const firstBundle = (directory: string): string => {
  const size = sizeOf(readFileSync(join(directory, 'checkpoint'), 'utf8'))
  return size < 256 ? `000.p/${size}` : '000'
}

test('answers as tlog-tiles asks, and nothing that is not published', async () => {
  const { status, body } = await fetched('/log/checkpoint')
  assert.equal(status, 200)
  const size = sizeOf(body)
  const width = Math.min(256, size)
  const path = width === 256 ? '000' : `000.p/${width}`
  assert.equal((await fetched(`/log/tile/0/${path}`)).status, 200)
  for (const missing of ['tile/0/9', 'tile/0/x001/000', 'tile/entries/000.p/0', 'tile/70/000']) {
    assert.equal((await fetched(`/log/${missing}`)).status, 404, missing)
  }
  const reads = (await world.entries()).filter(({ action }) => action === 'audit.read').length
  assert.equal((await fetched(`/log/tile/entries/${path}`)).status, 200)
  const now = (await world.entries()).filter(({ action }) => action === 'audit.read').length
  assert.ok(now >= reads + 2, 'taking entries leaves an entry')
})

test('is reconciled as it runs and as an export, with a client that sends receipts', async () => {
  const client = await world.client('alice', { receipts: true })
  await client.rooms.create({ title: 'Lunch', participantIds: [] })
  await client.receipts.flush()
  await client.close()
  const running = await world.keyrealm('audit', 'reconcile', '--json')
  assert.deepEqual([running.code, running.error], [0, ''])
  const totals = JSON.parse(running.out.trim().split('\n').at(-1) ?? '')
  assert.ok(totals.receipted >= 4 && totals.devicesWithReceipts === 1, running.out)
  const size = await recorded()
  await published(size)
  await good('audit', 'export', '--to', join(folder, 'reconciled'))
  const offline = await good('audit', 'reconcile', '--export', join(folder, 'reconciled'), '--json')
  const { readTo: _read, ...found } = JSON.parse(offline.trim().split('\n').at(-1) ?? '')
  const { readTo: _to, ...expected } = totals
  assert.deepEqual(found, expected)
})

test('forgets a person who left, when told to, and stays provable', async () => {
  const { id } = world.user('bob')
  const erase = (...more: string[]) => world.keyrealm('audit', 'erase', id, ...more)
  assert.match((await erase()).error, /main\.not-confirmed/)
  assert.match((await erase('--yes')).error, /\(erasure\.(unknown-person|not-off-boarded)\)/)
  await good('users', 'off-board', id)
  await until('the cloud', async () => {
    const { out } = await world.keyrealm('users', 'report', id)
    return !out.includes('acknowledged by the cloud\t-')
  })
  assert.match((await erase('--yes')).out, /^erased\tnothing of it is left/)
  const { database } = filesOf(world)
  for (const file of [database, `${database}-wal`]) {
    assert.ok(!existsSync(file) || !readFileSync(file).includes(id), file)
  }
  const report = await world.keyrealm('users', 'report', id)
  assert.equal(report.code, 1)
  assert.match(report.error, /erased since: nothing tells which/)
  const size = await recorded()
  await published(size)
  await good('audit', 'export', '--to', join(folder, 'erased'))
  assert.equal(verify('erased', '--key', 'keys', '--since', 'old').code, 0)
})

test('goes on under new keys, which the old ones have vouched for, without a stop', async () => {
  const signatures = async () => (await checkpoint()).split('\n').filter((line) => line[0] === '—')
  const made = await good('audit', 'rotate-key')
  writeFileSync(join(folder, 'new-keys'), made)
  await until('both sign', async () => (await signatures()).length === 4)
  assert.match((await world.keyrealm('audit', 'rotate-key')).error, /main\.rotation-under-way/)
  await good('audit', 'rotate-key', '--retire')
  await until('the new ones sign', async () => (await signatures()).length === 2)
  const again = await world.keyrealm('audit', 'rotate-key', '--retire')
  assert.match(again.error, /main\.nothing-to-retire/)
  assert.equal(await good('audit', 'key'), made)
  await published(await recorded())
  await good('audit', 'export', '--to', join(folder, 'rotated'))
  const voucher = readFileSync(join(folder, 'rotated/rotation/1'), 'utf8')
  assert.equal((await fetched('/log/rotation/1')).body, voucher)
  assert.equal(verify('--proof', 'rotated/rotation/1', '--key', 'keys').code, 0)
  for (const keys of ['keys', 'new-keys']) {
    const since = keys === 'keys' ? ['--since', 'old'] : []
    const { code, out } = verify('rotated', '--key', keys, '--max-age', '300', ...since)
    assert.equal(code, 0, out)
  }
  rmSync(join(folder, 'rotated/rotation'), { recursive: true })
  assert.equal(verify('rotated', '--key', 'keys').code, 12, 'nothing leads to the new keys')
})

test('says that the start before it was killed', async () => {
  await world.realm.restart()
  const entries = await world.entries()
  const starts = entries.filter(({ action }) => action === 'process.started')
  const [first, second] = starts.map(({ details }) => details as Record<string, string>)
  assert.equal(second?.['previousStop'], 'unclean')
  assert.equal(second?.['previousBoot'], starts[0]?.['boot'])
  assert.match(first?.['programSha256'] ?? '', /^[0-9a-f]{64}$/)
  await published(entries.length)
  await good('audit', 'export', '--to', join(folder, 'killed'))
  const { code, out } = verify('killed', '--key', 'keys', '--since', 'old')
  assert.equal(code, 0, out)
  assert.match(out, /did not end cleanly/)
})

test('is not continued on yesterday’s copy of the database, unless somebody says so', async () => {
  const { settingsFile, database } = filesOf(world)
  await world.realm.stop()
  const copy = join(folder, 'yesterday.sqlite')
  cpSync(database, copy)
  await world.realm.start()
  const grown = await recorded()
  await published(grown)
  const late = await checkpoint()
  writeFileSync(join(folder, 'late'), late)
  await world.realm.stop()
  for (const end of ['-wal', '-shm']) rmSync(`${database}${end}`, { force: true })
  cpSync(copy, database)

  const refused = await world.keyrealm('serve', '--config', settingsFile)
  assert.equal(refused.code, 1)
  assert.match(refused.error, /\(audit\.log-behind\)/)
  const change = await world.keyrealm('users', 'off-board', world.user('carol').id)
  assert.match(change.error, /\(audit\.log-behind\)/, 'nothing is changed on it either')
  const kept = join(dirname(settingsFile), 'log-checkpoint')
  renameSync(kept, `${kept}.away`)
  const unkept = await world.keyrealm('serve', '--config', settingsFile)
  assert.match(unkept.error, /\(audit\.log-unkept\)/, 'removing what was kept does not help')
  renameSync(`${kept}.away`, kept)
  assert.notEqual(await good('audit', 'show', '--limit', '3'), '', 'it can be looked into')
  assert.match(await good('audit', 'accept-restore'), /evidence/)
  await world.realm.start()
  const [key = ''] = (await good('audit', 'key')).split('\n')
  assert.match(key, /\/log\/2\+/)
  const restored = (await world.entries()).find(({ action }) => action === 'log.restored')
  const details = restored?.['details'] as Record<string, unknown> | undefined
  assert.ok(Number(details?.['keptSize']) >= sizeOf(late))
  const size = await recorded()
  await published(size)
  await good('audit', 'export', '--to', join(folder, 'second'))
  assert.equal(verify('second', '--key', 'keys').code, 12, 'the old keys do not vouch for it')
  const renewed = verify('second', '--key', key)
  assert.equal(renewed.code, 0, renewed.out)
  assert.match(renewed.out, /put back from a copy/)
})

const filesOf = ({ acme }: RunningWorld) => {
  const settings = JSON.parse(readFileSync(acme.configFile, 'utf8'))
  return {
    settingsFile: acme.configFile,
    database: join(dirname(acme.configFile), settings.store.file),
  }
}
