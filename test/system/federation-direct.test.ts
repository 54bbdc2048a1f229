// The same two appliances without a relay: each has a port for peers and knows the other's. Globex stores on PostgreSQL where there
// can be a server (KEYREALM_REQUIRE_POSTGRES=1 insists), so that what crosses does not hang on the store.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { RealmPlan, WorldPlan } from '../../scripts/dev/world/plan.ts'
import { startPostgres } from '../support/postgres.ts'
import { storeOn } from '../support/postgres-settings.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { federatedTests } from './federated.ts'

const HOST = '127.0.0.1'
const server = await startPostgres()

let world: RunningWorld

const directTo = ({ domain, peerPort }: RealmPlan) => ({ domain, host: HOST, port: peerPort })

/** A realm that listens for peers, knows the address of one, and uses no relay. */
const carrierOf = ({ realms }: WorldPlan, own: string): object => {
  const listens = realms.find(({ name }) => name === own)
  const others = realms.filter(({ name }) => name !== own)
  const listen = { host: HOST, port: listens?.peerPort }
  return { relay: false, listen, direct: others.map(directTo) }
}

before(async () => {
  world = await startRunningWorld({
    realm: (plan) => ({ federation: { carrier: carrierOf(plan, 'acme') } }),
    globex: (plan) => ({
      federation: { carrier: carrierOf(plan, 'globex') },
      ...('unavailable' in server ? {} : { store: storeOn(server, join(plan.data, 'db')) }),
    }),
  })
})
after(async () => {
  await world?.close()
  if (!('unavailable' in server)) await server.stop()
})

federatedTests(() => world, 'direct')

test('one of the realms stores on PostgreSQL', async (t) => {
  if ('unavailable' in server) {
    assert.notEqual(process.env['KEYREALM_REQUIRE_POSTGRES'], '1', server.unavailable)
    return t.skip(server.unavailable)
  }
  const { out } = await world.at('globex').keyrealm('status', '--json')
  assert.equal(JSON.parse(out).store, 'postgres')
})

test('no byte between the realms went through the core', async () => {
  const { body } = await world.page(world.plan.core.healthPort, '/metrics')
  assert.match(body, /streams\{?[^\n]*\s0\n/)
})
