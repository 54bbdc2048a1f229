// Two appliances federate, as processes of their own, through one core; and what administrators and authorities do about peers
// bites while they run.

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { writeList } from '../../scripts/dev/certs/keep.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { aRoom } from '../support/world.ts'
import { federatedTests } from './federated.ts'
import { statusOf, until } from './flow.ts'

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

test('a member from abroad acts in a room: adds, removes, writes with a key of their own realm, and leaves', async () => {
  const [alice, bob, gina] = await Promise.all([
    world.client('alice'),
    world.client('bob'),
    world.client('gina'),
  ])
  const room = await alice.rooms.create({ title: 'Both', participantIds: [gina.userId] })
  await gina.rooms.add(room.id, bob.userId)
  await gina.rooms.remove(room.id, bob.userId)
  await gina.rooms.post(room.id, 'Under a key of ours')
  const { keyUri } = await alice.rooms.find(room.id)
  assert.ok(keyUri !== undefined)
  assert.ok(keyUri.startsWith(`kms://${world.at('globex').plan.domain}/keys/`), keyUri)
  const texts = (await alice.rooms.history(room.id)).map(({ text }) => text)
  assert.deepEqual(texts, ['Under a key of ours'])
  assert.equal(await statusOf(bob.keys.retrieve(keyUri)), 403)
  await gina.rooms.leave(room.id)
  await alice.rooms.post(room.id, 'She has left')
  const later = await alice.rooms.find(room.id)
  assert.ok(later.keyUri !== undefined && later.keyUri !== keyUri)
  assert.equal(await statusOf(gina.keys.retrieve(later.keyUri)), 403)
})

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

test('a dry run finds the partner good in every step, and says of a stranger what to do', async () => {
  const { domain } = world.at('globex').plan
  const good = await world.keyrealm('peers', 'check', domain, '--json')
  assert.equal(good.code, 0, good.out)
  const { findings, roundTripsMs } = JSON.parse(good.out)
  const verdicts = findings.map(({ verdict }: { verdict: string }) => verdict)
  assert.deepEqual(new Set(verdicts), new Set(['good']), good.out)
  assert.equal(roundTripsMs.length, 6)
  const stranger = await world.keyrealm('peers', 'check', 'kms.nobody.example')
  assert.equal(stranger.code, 1)
  assert.match(stranger.out, /^way\tbad\t\S+\tfederation\.unknown-host\t\S+/m)
})

test('two operators lay their logs side by side: both say the same, and a key that one denies is named', async () => {
  const other = world.at('globex')
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm-exports-'))
  const [theirs, lacking, before] = [
    join(folder, 'whole'),
    join(folder, 'lacking'),
    join(folder, 'b'),
  ]
  const reconcile = (folder: string) =>
    world.keyrealm('peers', 'reconcile', other.plan.domain, '--theirs', folder)
  const exportTo = (folder: string) => other.keyrealm('audit', 'export', '--to', folder)
  const differencesIn = (out: string) => out.split('\n').filter((line) => line.includes('\tkms:'))
  // An answer on its way when its connection was cut was given, and never got: that stays.
  assert.equal((await exportTo(before)).code, 0)
  const lost = differencesIn((await reconcile(before)).out)
  assert.equal(await ginaReads(), 200)
  await until('uses are told', async () =>
    (await world.entries()).some(({ action }) => action === 'peer.uses-received'),
  )
  assert.equal((await exportTo(lacking)).code, 0)
  assert.equal(await ginaReads(), 200)
  await until('both logs say the same', async () => {
    rmSync(theirs, { recursive: true, force: true })
    assert.equal((await exportTo(theirs)).code, 0)
    const { code, out } = await reconcile(theirs)
    const found = differencesIn(out)
    assert.equal(code, found.length === 0 ? 0 : 4)
    return found.every((line) => lost.includes(line))
  })
  const denied = await reconcile(lacking)
  assert.equal(denied.code, 4)
  const named = differencesIn(denied.out).filter((line) => !lost.includes(line))
  assert.match(
    named[0] ?? '',
    /^kms\.acme\.example\tgave, and the other never got\t\S+\tentry \d+$/,
  )
  rmSync(folder, { recursive: true })
  const { out } = await world.keyrealm('peers', 'receipts', other.plan.domain)
  assert.match(out, /^use\tentry \d+\t\S+\t\d+ keys\t[0-9a-f]{64}$/m)
})
