// A rehearsal dies while its sandbox is full of private keys: the sandbox never had the name that was asked for, and the
// next rehearsal takes it away.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { dying } from '../support/dying.ts'
import { good, type MadeRealm, makeRealm } from '../support/made-realm.ts'

let realm: MadeRealm
before(async () => {
  realm = await makeRealm()
})
after(() => realm.remove())

/** Parts of the way at which it dies. */
const DEATHS = [0.5, 0.7, 0.8, 0.9, 0.97]

test('what a killed rehearsal left is taken away by the next one', {
  timeout: 120_000,
}, async () => {
  const [file, beside, scratch] = ['b.age', 'place', 'scratch'].map((name) => realm.path(name))
  assert.ok(file !== undefined && beside !== undefined && scratch !== undefined)
  for (const folder of [beside, scratch]) mkdirSync(folder)
  await good('backup', '--config', realm.config, '--out', file, '--recipient', realm.recipient)
  const sandbox = join(beside, 'sandbox')
  const options = ['--config', realm.config, '--recovery-key', realm.recoveryKey]
  const command = ['rehearse-restore', file, ...options, '--sandbox', sandbox]
  const { points, error } = await dying(scratch, command)
  assert.ok(points !== undefined && points > 10, error)
  assert.deepEqual(readdirSync(beside), [])
  let keysLeft = 0
  for (const part of DEATHS) {
    const died = await dying(scratch, command, Math.floor(points * part))
    assert.equal(died.points, undefined, 'it was to die')
    assert.equal(existsSync(sandbox), false)
    const left = readdirSync(beside, { recursive: true }).map(String)
    assert.ok(
      left.every((path) => path.startsWith('.')),
      left.join('\n'),
    )
    if (left.some((path) => path.endsWith('core.keyFile'))) keysLeft += 1
  }
  assert.ok(keysLeft > 0, 'it never died with a key in the sandbox')
  await good(...command)
  assert.deepEqual(readdirSync(beside), [])
})
