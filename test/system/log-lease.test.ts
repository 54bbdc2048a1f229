// Commands that publish the log, one right after the other: each is another process to the log, and waits until the lease
// of the one before has ended instead of leaving its own entries unsigned.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { good, makeRealm } from '../support/made-realm.ts'

test('new keys of the log sign, and old ones retire, as soon as they are asked to', async (t) => {
  const realm = await makeRealm()
  t.after(() => realm.remove())
  const rotate = (...more: readonly string[]) =>
    good('audit', 'rotate-key', '--config', realm.config, ...more)
  const together = await rotate()
  const alone = await rotate('--retire')
  assert.notEqual(alone, together)
})
