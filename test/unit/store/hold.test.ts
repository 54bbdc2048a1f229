// A file is held by one at a time, nothing is written into it, and what cannot be held is not.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { holdFile } from '../../../src/store/index.ts'

test('a file is held by one at a time, stays empty, and is free once let go', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm hold-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'lock')
  const letGo = holdFile(file)
  assert.ok(letGo)
  assert.equal(holdFile(file), undefined)
  assert.deepEqual(readdirSync(folder), ['lock'])
  assert.equal(statSync(file).size, 0)
  letGo()
  const again = holdFile(file)
  assert.ok(again)
  again()
  assert.equal(holdFile(join(folder, 'nowhere', 'lock')), undefined)
})

/** As another process finds it. */
const isFreeElsewhere = (file: string): boolean => {
  const door = join(import.meta.dirname, '../../../src/store/hold.ts')
  const script = `import { holdFile } from ${JSON.stringify(door)}
    process.exitCode = holdFile(${JSON.stringify(file)}) === undefined ? 10 : 11`
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module-typescript', '--eval', script],
    { encoding: 'utf8' },
  )
  assert.ok(status === 10 || status === 11, stderr)
  return status === 11
}

test('whoever asks a second time for what it holds does not let go of it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm hold-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'lock')
  const letGo = holdFile(file)
  assert.equal(isFreeElsewhere(file), false)
  assert.equal(holdFile(file), undefined)
  assert.equal(isFreeElsewhere(file), false)
  letGo?.()
  assert.equal(isFreeElsewhere(file), true)
})

test('a link, or a file with something in it, is not taken for a lock', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm hold-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [theirs, link] = [join(folder, 'theirs'), join(folder, 'lock')]
  writeFileSync(theirs, 'theirs')
  assert.equal(holdFile(theirs), undefined)
  symlinkSync(join(folder, 'empty'), link)
  assert.equal(holdFile(link), undefined)
  assert.deepEqual(readdirSync(folder).toSorted(), ['lock', 'theirs'])
})
