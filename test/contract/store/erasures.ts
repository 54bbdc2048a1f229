// Erasure, of a person who has used everything there is: their id stands in no table and in no byte of the files
// afterwards, nothing else is lost, and every proof from before still verifies.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import pg from 'pg'
import {
  leafHash,
  openCheckpoint,
  parseInclusion,
  proveConsistency,
  proveInclusion,
  rootFromInclusion,
  sameBytes,
  servedTile,
  tilePath,
  tilesOf,
  type VerifierKey,
  verifyLog,
} from '../../../src/audit/index.ts'
import { systemRandom } from '../../../src/crypto/index.ts'
import type { ResourceUri, UserId } from '../../../src/id.ts'
import {
  acknowledgeOffBoarding,
  addMachine,
  erasePerson,
  type OwedWithdrawal,
  offBoard,
  reportOffBoarding,
} from '../../../src/kms/index.ts'
import type { StoreSettings } from '../../../src/store/index.ts'
import type { Instant } from '../../../src/time.ts'
import { aRoom, authorizationsOf, keysOf, PEOPLE, World } from '../../support/world.ts'
import { ACME, organization } from '../../unit/identity/world.ts'
import type { Implementation } from './implementations.ts'
import { toResourceUri } from './make.ts'

const BOB = PEOPLE.bob as UserId

const erase = (world: World, userId: UserId = BOB) =>
  erasePerson(world.ledger, world.realm.people, userId)

const PEER = 'kms.globex.example'
const owedTo = (domain: string, now: Instant, resourceUri: ResourceUri): OwedWithdrawal => ({
  ...{ domain, resourceUri, userId: BOB, since: now, dueAt: now, attempts: 0 },
})

/** Where the id still stands: tables of PostgreSQL, files of SQLite. */
const placesOf = async (settings: StoreSettings, id: string): Promise<readonly string[]> => {
  if (settings.kind === 'sqlite') {
    const files = ['', '-wal'].map((end) => `${settings.file}${end}`)
    return files.filter((file) => readFileSync(file).includes(id))
  }
  const client = new pg.Client({ connectionString: settings.url })
  await client.connect()
  const tables = await client.query(
    `select table_name as name from information_schema.tables where table_schema = current_schema()`,
  )
  const places: string[] = []
  for (const { name } of tables.rows) {
    const found = await client.query(
      `select 1 from "${name}" one where one::text like $1 limit 1`,
      [`%${id}%`],
    )
    if (found.rows.length > 0) places.push(name)
  }
  await client.end()
  return places
}

/** Bob makes, shares, names and is named; Alice holds answers that name him; the cloud shows him too long. */
const used = async (world: World) => {
  const alice = await world.signedIn('alice')
  const bob = await world.signedIn('bob')
  const room = await aRoom(alice, [PEOPLE.bob])
  const own = await aRoom(bob, [PEOPLE.alice])
  await bob.ask('create', '/keys', { count: 2 })
  assert.equal((await bob.ask('retrieve', room.key.uri))['status'], 200)
  const add = { resourceUri: own.resource.uri, userIds: [PEOPLE.carol], anonymous: 1 }
  assert.equal(authorizationsOf(await bob.ask('create', '/authorizations', add)).length, 2)
  const listed = await alice.ask('retrieve', `${room.resource.uri}/authorizations`)
  assert.ok(JSON.stringify(listed).includes(PEOPLE.bob))
  // A request whose URI names him, and whose answer does not.
  const absent = `${own.resource.uri}/authorizations?authId=${PEOPLE.bob}`
  await alice.ask('delete', absent)
  const drift = { side: 'core-only', subject: BOB, since: world.now() } as const
  const resourceUri = toResourceUri(room.resource.uri)
  await world.store.transact(async (tx) => {
    await tx.rosters.insert([{ ...drift, resourceUri }])
    // Another realm had him put into a room, and a peer with whom nobody works any more holds his keys.
    const forwarded = { peer: PEER, meant: `["${BOB}"]`, answer: `{"authId":"${BOB}"}` }
    const end = { state: 'settled', id: 'abroad', status: 201, answeredAt: world.now() } as const
    await tx.operations.insert([{ ...end, forwarded }])
    await tx.peers.setBlocked(PEER, world.now(), world.now())
    await tx.debts.owe([owedTo(PEER, world.now(), resourceUri)])
  })
  return { alice, bob, room, own }
}

const leave = async (world: World) => {
  await offBoard(world.ledger, world.means, BOB)
  await acknowledgeOffBoarding(world.ledger, BOB)
}

const open = async (on: Implementation) => {
  const settings = await on.fresh()
  return { settings, world: await World.open({ store: settings }) }
}

/** The log as an auditor copies it away. */
const exported = async (world: World, size: number) => {
  const files = new Map<string, Uint8Array>()
  for (const tile of tilesOf(size)) {
    const bytes = await world.store.read((tx) => servedTile(tx, tile))
    assert.ok(bytes)
    files.set(tilePath(tile), bytes)
  }
  return files
}

const assertProves = (proof: string | undefined, keys: readonly VerifierKey[]): void => {
  const parsed = parseInclusion(proof ?? '')
  assert.ok(parsed?.extra)
  const head = openCheckpoint(parsed.checkpoint, keys)
  assert.ok(typeof head !== 'string', String(head))
  const root = rootFromInclusion(leafHash(parsed.extra), parsed.index, head.size, parsed.hashes)
  assert.ok(root !== undefined && sameBytes(root, head.root))
}

export const erasuresContract = (on: Implementation): void => {
  describe('an erasure', () => {
    test('leaves no trace of the id, and every proof as good as it was', async () => {
      const { settings, world } = await open(on)
      const { alice, room } = await used(world)
      await leave(world)
      const pseudonym = await world.pseudonymOf('bob')
      const before = await world.publish()
      const head = openCheckpoint(before.note, before.keys)
      assert.ok(typeof head !== 'string')
      const proofs = await Promise.all(
        [1, Math.ceil(head.size / 2), head.size].map((one) =>
          world.store.read((tx) => proveInclusion(tx, one)),
        ),
      )
      assert.notDeepEqual(await placesOf(settings, BOB), [], 'the test looks where he is')

      assert.equal(await erase(world), undefined)
      const entry = await world.lastEntry()
      assert.equal(entry.action, 'person.erased')
      assert.ok(!JSON.stringify(entry).includes(String(pseudonym)), 'the act tells nobody who')
      const scrubbed = await world.store.scrub()
      assert.equal(scrubbed, settings.kind === 'sqlite' ? 'gone' : 'vacuum')
      assert.deepEqual(await placesOf(settings, BOB), [])

      const now = await world.publish()
      for (const proof of proofs) assertProves(proof, before.keys)
      const { size } = await world.store.read((tx) => tx.tree.head())
      const files = await exported(world, size)
      files.set('checkpoint', new TextEncoder().encode(now.note))
      const older = [{ name: 'before', note: before.note }]
      const report = verifyLog((path) => files.get(path), { keys: now.keys, older })
      assert.deepEqual([report.isIntact, report.isComplete, report.findings], [true, true, []])
      assert.ok(await world.store.read((tx) => proveConsistency(tx, head.size)))
      const told = (await world.entries()).filter(({ actor }) => Object(actor).id === pseudonym)
      assert.ok(told.length > 5, 'what he did is still told, of somebody')
      assert.equal(await reportOffBoarding(world.store, BOB), undefined)
      assert.equal((await alice.ask('retrieve', room.key.uri))['status'], 200)
      await world.close()
    })

    test('does not let an answer that named them be done again', async () => {
      const { world } = await open(on)
      const { alice, room } = await used(world)
      const fields = { resourceUri: room.resource.uri, userIds: [PEOPLE.carol] }
      const request = alice.request({ method: 'create', uri: '/authorizations', ...fields })
      const naming = alice.request({
        method: 'retrieve',
        uri: `${room.resource.uri}/authorizations`,
      })
      assert.equal((await alice.askRaw(naming))['status'], 200)
      const first = await alice.askRaw(request)
      await leave(world)
      assert.equal(await erase(world), undefined)
      assert.deepEqual(await alice.askRaw(request), first)
      assert.equal((await alice.askRaw(naming))['status'], 403)
      await world.close()
    })

    test('gives whoever comes back another pseudonym, and nothing that they had', async () => {
      const { world } = await open(on)
      const { bob, room } = await used(world)
      await leave(world)
      const pseudonym = await world.pseudonymOf('bob')
      assert.equal(await erase(world), undefined)
      world.realm.channels.forgetAll()
      assert.equal((await bob.shake())['status'], 201)
      const fresh = await world.pseudonymOf('bob')
      assert.ok(fresh !== undefined && fresh !== pseudonym)
      await world.refused(await bob.ask('retrieve', room.key.uri), 403, 'kms.not-authorized')
      assert.deepEqual((await world.lastEntry())['actor'], { kind: 'person', id: fresh })
      await world.close()
    })

    test('is refused until the person can reach nothing and the cloud knows', async () => {
      const { world } = await open(on)
      const refused = async (code: string, userId?: UserId) => {
        assert.deepEqual(await erase(world, userId), { refused: code })
        const { action, outcome, code: recorded } = await world.lastEntry()
        assert.deepEqual([action, outcome, recorded], ['person.erased', 'refused', code])
      }
      await refused('erasure.unknown-person')
      const { alice, room } = await used(world)
      await refused('erasure.not-off-boarded')
      await offBoard(world.ledger, world.means, BOB)
      await refused('erasure.not-acknowledged')
      const again = { resourceUri: room.resource.uri, userIds: [PEOPLE.bob] }
      await alice.ask('create', '/authorizations', again)
      await refused('erasure.still-authorized')
      await leave(world)
      const owed = owedTo('kms.other.example', world.now(), toResourceUri(room.resource.uri))
      await world.store.transact((tx) => tx.debts.owe([owed]))
      await refused('erasure.withdrawals-owed')
      await world.store.transact((tx) => tx.debts.settleWithdrawals([owed]))
      assert.equal(await erase(world), undefined)
      const machine = {
        userId: PEOPLE.carol as UserId,
        name: 'bot',
        organizationId: organization(ACME),
      }
      assert.equal(await addMachine(world.ledger, systemRandom, machine), true)
      await refused('erasure.machine-account', PEOPLE.carol as UserId)
      assert.ok(keysOf(await alice.ask('create', '/keys', { count: 1 })).length === 1)
      await world.close()
    })
  })
}
