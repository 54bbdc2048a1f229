// The same realm on PostgreSQL: the same flow, the same promises when the realm is killed, and when its database is.
// Skipped where there can be no server, unless KEYREALM_REQUIRE_POSTGRES=1.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { storeOn } from '../support/postgres-settings.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { anyStoreTests } from './any-store.ts'
import { areRecorded, areStillThere, createKeysDuring, until } from './flow.ts'

const server = await startPostgres()

const onPostgres = (postgres: RunningPostgres): void => {
  let world: RunningWorld
  before(async () => {
    const realm = ({ data }: { data: string }) => ({ store: storeOn(postgres, join(data, 'db')) })
    world = await startRunningWorld({ realm })
  })
  after(async () => {
    await world?.close()
    await postgres.stop()
  })
  const guests = anyStoreTests(() => world)
  const pingStatus = async () => (await guests().remote.device.ask('update', '/ping'))['status']

  test('the realm says what it stores on', async () => {
    const { out } = await world.keyrealm('status', '--json')
    assert.equal(JSON.parse(out).store, 'postgres')
  })

  test('a database that is killed makes the realm not ready, and it is ready again without a restart', async () => {
    const readyz = async () => (await world.page(world.acme.healthPort, '/readyz')).status
    await postgres.kill()
    assert.equal(await readyz(), 503)
    assert.equal(await pingStatus(), 500)
    await postgres.restart()
    await until('the realm is ready', async () => (await readyz()) === 200)
    assert.equal(await pingStatus(), 200)
    const { alice } = guests()
    const keys = await createKeysDuring(alice, 5, () => Promise.resolve())
    await areStillThere(alice, keys)
    await areRecorded(world, keys)
  })
}

if ('unavailable' in server) {
  test('a realm on PostgreSQL', (t) => {
    assert.notEqual(process.env['KEYREALM_REQUIRE_POSTGRES'], '1', server.unavailable)
    t.skip(server.unavailable)
  })
} else describe('a realm on PostgreSQL', () => onPostgres(server))
