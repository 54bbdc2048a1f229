// A file is held by one at a time, nothing is written into it, and what cannot be held is not.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
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
