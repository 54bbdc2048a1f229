// The disk fills up under a realm, for real: a tmpfs of a few megabytes. Nothing leaves without its entry while it is
// full, what was promised before stands, and freeing space is all that it takes to go on. Needs root for the mount.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { aDisk, fill } from '../support/disk.ts'
import { assertNumbered } from '../support/numbered.ts'
import { aRoom, keyOf, keysOf, World } from '../support/world.ts'

test('a full disk stops releases, not the truth, and ends when there is space again', async (t) => {
  const folder = aDisk(t, 16)
  if (folder === undefined) return t.skip('no tmpfs can be mounted here: nobody has filled a disk')
  const world = await World.open({ store: { kind: 'sqlite', file: join(folder, 'realm.sqlite') } })
  t.after(() => world.close())
  const alice = await world.signedIn('alice')
  const { key } = await aRoom(alice)
  await world.publish()

  const free = fill(folder)
  const released: unknown[] = []
  const created: string[] = []
  let refused = 0
  for (let asked = 0; asked < 400 && refused < 20; asked++) {
    const request = alice.request({ method: 'retrieve', uri: key.uri })
    const answer = await alice.askRaw(request)
    if (answer['status'] === 200) released.push(request['requestId'])
    else refused += 1
    assert.ok(answer['status'] === 200 || answer['key'] === undefined)
    const fresh = await alice.ask('create', '/keys', { count: 50 })
    created.push(...keysOf(fresh).map(({ uri }) => uri))
  }
  assert.equal(refused, 20, 'the disk was full')
  assert.ok(world.realm.faults.length >= 20)
  await assert.rejects(world.ledger.commit(async () => ({ result: 0, acts: [anAct] })))
  const { size } = await world.store.read((tx) => tx.tree.head())

  free()
  const answer = await alice.ask('retrieve', key.uri)
  assert.equal(keyOf(answer).uri, key.uri)
  const entries = await world.entries()
  assertNumbered(await world.store.read((tx) => tx.audit.read(0, 100_000)))
  const told = new Set(
    entries.flatMap(({ action, requestId }) => (action === 'key.released' ? [requestId] : [])),
  )
  assert.deepEqual(
    released.filter((requestId) => !told.has(requestId)),
    [],
  )
  const named = new Set(
    entries.flatMap(({ action, keys }) =>
      action === 'key.created' && Array.isArray(keys) ? keys : [],
    ),
  )
  assert.ok(created.every((uri) => named.has(uri)))
  await world.publish()
  assert.ok((await world.store.read((tx) => tx.tree.head())).size > size)
})

const anAct = {
  action: 'test.filled',
  outcome: 'done',
  actor: { kind: 'system' },
  sizeBytes: 1,
  // More than what is left in the last page.
  keys: Array.from({ length: 500 }, (_, index) => `kms://h/keys/${index}`),
} as const
