// A backup and a restore killed in the middle, at many moments: afterwards there is a whole one or none, and doing it
// again is all that it takes.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openStore } from '../../src/store/index.ts'
import { entriesAfter, NOW } from '../contract/store/make.ts'
import { CANARY, good, type MadeRealm, makeRealm } from '../support/made-realm.ts'
import { DOMAIN, LEAF_KEY_PEM } from '../support/world.ts'

const KEYREALM = join(import.meta.dirname, '../../scripts/keyrealm.mjs')
/** So many changes in the folder are seen before the kill. */
const MOMENTS = [1, 4, 16]

let realm: MadeRealm
before(async () => {
  realm = await makeRealm()
  const store = await openStore({ kind: 'sqlite', file: realm.path('state/realm.sqlite') })
  await store.transact(async (tx) =>
    tx.audit.append(entriesAfter(await tx.audit.head(), 15_000), NOW),
  )
  await store.close()
})
after(() => realm?.remove())

/** Runs the command and kills it at the moment; false if it had ended before. */
const killed = async (folder: string, moment: number, command: readonly string[]) => {
  const child = spawn(process.execPath, [KEYREALM, ...command], { stdio: 'ignore' })
  let seen = 0
  const watching = watch(folder, { recursive: true }, () => {
    seen += 1
    if (seen === moment) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'exit')
  watching.close()
  return signal === 'SIGKILL'
}

test('a backup that is killed is no backup, and shows nothing', async () => {
  const folder = realm.path('killed')
  mkdirSync(folder)
  let kills = 0
  for (const moment of MOMENTS) {
    const out = join(folder, `${moment}.age`)
    const wish = ['--config', realm.config, '--out', out, '--recipient', realm.recipient]
    if (await killed(folder, moment, ['backup', ...wish])) {
      kills += 1
      if (existsSync(out)) await good('restore', out, ...toFolder(realm.path(`whole-${moment}`)))
    }
  }
  assert.ok(kills > 0)
  const left = readdirSync(folder).filter((name) => name.endsWith('.partial'))
  for (const name of left) {
    const bytes = readFileSync(join(folder, name), 'latin1')
    const line = LEAF_KEY_PEM.split('\n')[2] ?? ''
    assert.ok(![CANARY, line, DOMAIN].some((secret) => bytes.includes(secret)))
  }
  const begun = await good('audit', 'search', '--config', realm.config, '--action', 'backup.begun')
  assert.ok(begun.trim().split('\n').length >= kills, 'each had said so before it read anything')
  const wish = ['--out', join(folder, 'again.age'), '--recipient', realm.recipient]
  await good('backup', '--config', realm.config, ...wish)
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.endsWith('.age')),
    [],
    'the next one sweeps what the dead left',
  )
})

/** Takes a scratch, writes into it, and waits for its end. */
const WRITER = `
  import { writeFileSync } from 'node:fs'
  import { takeScratch } from ${JSON.stringify(join(import.meta.dirname, '../../src/main/backup/scratch.ts'))}
  const { path } = takeScratch(process.argv[1])
  writeFileSync(path, 'half')
  console.log(path)
  process.stdin.resume()`

test('what somebody is writing is never swept, and it is once they are dead', async () => {
  const folder = realm.path('beside')
  mkdirSync(folder)
  const place = join(folder, 'theirs.age')
  const writing = ['--input-type=module-typescript', '--eval', WRITER, place]
  const child = spawn(process.execPath, writing, { stdio: ['pipe', 'pipe', 'inherit'] })
  after(() => child.kill('SIGKILL'))
  const [told] = await once(child.stdout.setEncoding('utf8'), 'data')
  const half = String(told).trim()
  const wish = ['--config', realm.config, '--recipient', realm.recipient, '--out']
  await good('backup', ...wish, join(folder, 'one.age'))
  assert.equal(readFileSync(half, 'utf8'), 'half')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await good('backup', ...wish, join(folder, 'two.age'))
  assert.deepEqual(readdirSync(folder).toSorted(), ['one.age', 'two.age'])
})

const toFolder = (to: string) => [
  ...['--recovery-key', realm.recoveryKey, '--realm', DOMAIN],
  ...['--to', to],
]

test('a restore that is killed is no realm, and is done again over what it left', async () => {
  const file = realm.path('backups/b.age')
  await good('backup', '--config', realm.config, '--out', file, '--recipient', realm.recipient)
  const folder = realm.path('places')
  mkdirSync(folder)
  let kills = 0
  for (const moment of MOMENTS) {
    const to = join(folder, `restored-${moment}`)
    if (!(await killed(folder, moment, ['restore', file, ...toFolder(to)]))) continue
    kills += 1
    if (existsSync(to)) continue
    await good('restore', file, ...toFolder(to))
    assert.equal(
      (await good('users', 'list', '--config', join(to, 'appliance.json'))).length > 0,
      true,
    )
    rmSync(to, { recursive: true })
    assert.deepEqual(readdirSync(folder), [], 'nothing is left beside it')
  }
  assert.ok(kills > 0)
})
