// A core whose search index is in PostgreSQL. What the index promises there is in the contract suite.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startPostgres } from '../../support/postgres.ts'
import { K1, openRoomLife, post } from './room-life.ts'
import { answerNext, indexAll, SEARCH_KEY, SEARCH_PATH, sealed } from './search-life.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-core-postgres-'))
const server = await startPostgres()
after(async () => {
  if ('stop' in server) await server.stop()
  rmSync(folder, { recursive: true })
})
const skip = 'unavailable' in server ? server.unavailable : false
const postgresUrlFile = join(folder, 'url')

test('a core finds in PostgreSQL what it was given, also after a restart', { skip }, async () => {
  if ('unavailable' in server) return
  writeFileSync(postgresUrlFile, `${await server.createDatabase()}\n`, { mode: 0o600 })
  const life = await openRoomLife({ search: { postgresUrlFile }, limits: { postingsInMemory: 0 } })
  const room = await life.room('alice')
  const object = { objectType: 'comment', displayName: sealed('pear') }
  const { body: said } = await life.act('alice', room, post(K1, { object }))
  await indexAll(life.line)
  const find = async () => {
    const body = { query: sealed('pear'), searchEncryptionKeyUrl: SEARCH_KEY }
    const asking = life.world.ask('POST', SEARCH_PATH, { token: 'alice', body })
    await answerNext(life.line)
    const { activities } = JSON.parse((await asking).text)
    return activities.items.map(({ id }: { id: string }) => id)
  }
  assert.deepEqual(await find(), [said['id']])
  await life.restart()
  await life.dial()
  assert.deepEqual(await find(), [said['id']])
  await life.close()
})
