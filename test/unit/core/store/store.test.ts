import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { MIGRATIONS } from '../../../../src/core/store/schema.ts'
import { openCoreStore } from '../../../../src/core/store/store.ts'

const ROOM = 'room'
const ALICE = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'

test('rooms and messages of an older core are still there, in order', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keyrealm-store-'))
  const file = join(directory, 'core.sqlite')
  const old = new Sqlite(file)
  for (const statement of MIGRATIONS[0] ?? []) old.exec(statement)
  old.exec(`pragma user_version = 1;
    insert into conversations values ('${ROOM}', '${ALICE}', null, null, 'kms://k/keys/1', null, 1);
    insert into participants values ('${ROOM}', '${ALICE}');
    insert into activities values (1, 'a1', '${ROOM}', '${ALICE}', 'post', 'x', null, 'kms://k/keys/1', 5);
    insert into activities values (2, 'a2', '${ROOM}', '${ALICE}', 'post', 'y', 'z', 'kms://k/keys/1', 6)`)
  old.close()
  const store = await openCoreStore(file)
  const rows = await store.activitiesOf({ conversationId: ROOM, limit: 10 })
  assert.deepEqual(
    rows.map(({ id, object }) => [id, JSON.parse(object).content]),
    [
      ['a1', 'x'],
      ['a2', 'y'],
    ],
  )
  assert.equal((await store.findConversation(ROOM, ALICE))?.pair, null)
  await store.close()
  rmSync(directory, { recursive: true })
})

test('a machine account stays one when it is seen again', async () => {
  const store = await openCoreStore(':memory:')
  const seen = { id: ALICE, organization_id: 'o', email: null, seen_at: 1 }
  await store.rememberUser(seen)
  await store.setUserKind(ALICE, 'machine')
  await store.rememberUser({ ...seen, seen_at: 2 })
  await store.change({ roomId: ROOM, open: { createdBy: ALICE }, join: [ALICE], activities: [] }, 3)
  const [member] = await store.participantsOf(ROOM)
  assert.equal(member?.kind, 'machine')
  await store.close()
})
