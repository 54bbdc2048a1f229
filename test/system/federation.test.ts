// Two appliances federate, as processes of their own, through one core; and what administrators and authorities do about peers
// bites while they run.

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { writeList } from '../../scripts/dev/certs/keep.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { aRoom } from '../support/world.ts'
import { federatedTests } from './federated.ts'
import { until } from './flow.ts'

let world: RunningWorld

before(async () => {
  world = await startRunningWorld({ globex: () => ({}) })
})
after(() => world.close())

const guests = federatedTests(() => world, 'relayed')

/** The status with which Gina reads the key of a room that she was just let into. */
const ginaReads = async (): Promise<unknown> => {
  const { device: gina } = await guests('gina')
  const { key } = await aRoom((await guests('alice')).device, [gina.who.userId])
  return (await gina.ask('retrieve', key.uri))['status']
}

/** A list of globex's issuer with these serial numbers on it, as its authority would publish it. */
const publishList = (serials: readonly string[]): void => {
  const { certificates } = world
  const issuer = join(certificates.directory, 'realms/globex/identity-issuer')
  const pem = (suffix: string) => readFileSync(`${issuer}${suffix}.pem`, 'utf8')
  const credential = { certificatePem: pem(''), keyPem: pem('-key') }
  writeList(join(certificates.crlFolder, 'globex-issuer.pem'), credential, serials)
}

test('a certificate that is revoked is worth nothing within seconds, on connections that are open too', async () => {
  assert.equal(await ginaReads(), 200)
  const { peer } = world.at('globex').certificates
  const { serialNumber } = new X509Certificate(readFileSync(peer.chainFile))
  publishList([serialNumber])
  await until('globex is refused', async () => Number(await ginaReads()) >= 400)
  await until('acme has recorded why', async () =>
    (await world.entries()).some(({ code }) => code === 'federation.certificate-revoked'),
  )
  publishList([])
  await until('globex is let in again', async () => (await ginaReads()) === 200)
})

test('a peer that an administrator blocks is refused from the next request on, and heard again after', async () => {
  const { domain } = world.at('globex').plan
  assert.equal(await ginaReads(), 200)
  assert.equal((await world.keyrealm('peers', 'block', domain)).code, 0)
  assert.equal(await ginaReads(), 403)
  assert.match((await world.keyrealm('peers', 'list')).out, /kms\.globex\.example\s+blocked/)
  assert.equal((await world.keyrealm('peers', 'unblock', domain)).code, 0)
  assert.equal(await ginaReads(), 200)
})

test('an administrator sees whose users a peer has claimed', async () => {
  const { out } = await world.keyrealm('peers', 'show', world.at('globex').plan.domain)
  assert.ok(out.includes(world.user('gina').id))
  assert.match(out, /claimed, unconfirmed/)
})
