// What is half written lies beside its place, is left alone while its maker lives, and is swept by the next one after.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { takeScratch } from '../../../../src/main/backup/scratch.ts'

const aFolder = (after: (work: () => void) => void): string => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm scratch-'))
  after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a scratch is a hidden name beside its place, and leaves nothing', (t) => {
  const folder = aFolder((work) => t.after(work))
  const scratch = takeScratch(join(folder, 'today.age'))
  assert.match(basename(scratch.path), /^\.today\.age\.[0-9a-f-]{36}\.partial$/)
  assert.equal(existsSync(scratch.path), false)
  writeFileSync(scratch.path, 'half')
  scratch.release()
  assert.deepEqual(readdirSync(folder), [])
})

test('what another one is writing stays, what a dead one left goes, files or folders alike', (t) => {
  const folder = aFolder((work) => t.after(work))
  const first = takeScratch(join(folder, 'today.age'))
  writeFileSync(first.path, 'half')
  const dead = '.b.age.6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69'
  writeFileSync(join(folder, `${dead}.partial`), 'half')
  const deadFolder = '.restored.7f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69'
  mkdirSync(join(folder, `${deadFolder}.partial`))
  writeFileSync(join(folder, `${deadFolder}.partial`, 'appliance.json'), '{}')
  writeFileSync(join(folder, `${deadFolder}.lock`), '')
  const foreign = ['.b.age.partial', 'b.age.lock', 'notes.partial', 'today.age']
  for (const name of foreign) writeFileSync(join(folder, name), 'theirs')

  const second = takeScratch(join(folder, 'today.age'))
  const left = readdirSync(folder).filter(
    (name) => !name.endsWith('.lock') || name === 'b.age.lock',
  )
  assert.deepEqual(left.toSorted(), [...foreign, basename(first.path)].toSorted())
  assert.notEqual(second.path, first.path)
  second.release()
  assert.equal(existsSync(first.path), true)
  first.release()
  assert.deepEqual(readdirSync(folder).toSorted(), foreign.toSorted())
})
