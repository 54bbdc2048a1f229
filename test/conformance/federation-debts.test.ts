// What is owed to a realm that is never coming back: an administrator gives it up once it is a day old, and not before.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type PeerDomain, WRITE_OFF_AFTER, writeOffDebts } from '../../src/federation/index.ts'
import type { UserId } from '../../src/id.ts'
import { milliseconds, seconds, toRfc3339 } from '../../src/time.ts'
import { ACME_DOMAIN, GLOBEX_DOMAIN, TwoRealms } from '../support/two-realms.ts'
import { aRoom, PEOPLE } from '../support/world.ts'

let realms: TwoRealms
before(async () => {
  realms = await TwoRealms.open()
})
after(() => realms.close())

const writeOff = () => writeOffDebts(realms.acme.ledger, GLOBEX_DOMAIN as PeerDomain)
const owed = () => realms.acme.store.read((tx) => tx.debts.tallyOwed(GLOBEX_DOMAIN))
/** Would it hold up her erasure? */
const isOwed = () => realms.acme.store.read((tx) => tx.erasures.isOwed(PEOPLE.gina as UserId))

/** Gina reads in a room of acme, globex goes away, and she is removed. */
const removeUnheard = async () => {
  realms.heal()
  const alice = await realms.acme.signedIn('alice')
  const gina = await realms.globex.signedIn('gina')
  const { key, resource } = await aRoom(alice, [PEOPLE.gina])
  assert.equal((await gina.ask('retrieve', key.uri))['status'], 200)
  realms.cut()
  const gone = { resourceUri: resource.uri, userIds: [PEOPLE.gina] }
  await alice.ask('delete', '/authorizations', gone)
  await realms.work(ACME_DOMAIN)
  return { key, oldest: (await owed()).oldest ?? realms.acme.now() }
}

test('what was never acknowledged is written off after a day, recorded, and pushed no more', async () => {
  const { acme, globex } = realms
  const { key, oldest: since } = await removeUnheard()
  // Whoever can be reached has acknowledged long before; and until then it may read what it kept, if its operator lets it.
  realms.advance(milliseconds(WRITE_OFF_AFTER - 10_000))
  const before = await acme.lastEntry()
  assert.deepEqual(await writeOff(), { withdrawals: 0, left: 1 })
  assert.deepEqual(await acme.lastEntry(), before)
  assert.ok(await isOwed())

  await removeUnheard()
  realms.advance(seconds(20))
  assert.deepEqual(await writeOff(), { withdrawals: 1, left: 1 })
  const { action, outcome, details } = await acme.lastEntry()
  const oldest = toRfc3339(since)
  assert.deepEqual([action, outcome], ['peer.debts-written-off', 'done'])
  assert.deepEqual(details, { peer: GLOBEX_DOMAIN, withdrawals: 1, left: 1, oldest })
  assert.equal((await owed()).count, 1)
  assert.ok(await isOwed(), 'what is younger still holds up an erasure')

  // It does come back: it is told what is left, and what it kept of the rest opens for nobody who was removed.
  realms.heal()
  await realms.work(ACME_DOMAIN)
  assert.deepEqual(await owed(), { count: 0 })
  assert.equal(await isOwed(), false)
  const gina = await globex.signedIn('gina')
  assert.equal((await gina.ask('retrieve', key.uri))['status'], 403)
})

test('what is written off while a push is on its way does not come back with its failure', async () => {
  const { acme } = realms
  await removeUnheard()
  realms.advance(milliseconds(WRITE_OFF_AFTER))
  const due = await acme.store.read((tx) => tx.debts.dueWithdrawals(acme.now(), 10))
  assert.equal(due.length, 1)
  assert.deepEqual(await writeOff(), { withdrawals: 1, left: 0 })
  await acme.store.transact((tx) => tx.debts.putOffWithdrawals(due, acme.now()))
  assert.deepEqual(await owed(), { count: 0 })
})
