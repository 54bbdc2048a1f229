// What realms sign towards each other: the giver for each key that it gave, the taker for what became of it, and for what it let go of.
// Two operators find by it every key of which they say different things.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Act,
  openStatement,
  type PeerDifference,
  type ReadLog,
  reconcilePeers,
  type StatementKind,
} from '../../src/audit/index.ts'
import { seconds } from '../../src/time.ts'
import type { Device, Json } from '../support/device.ts'
import { furnishTwoRealms } from '../support/furnished-realms.ts'
import { ACME_DOMAIN, GLOBEX_DOMAIN, MALLORY_DOMAIN, TwoRealms } from '../support/two-realms.ts'
import { aRoom, type Entry, PEOPLE, type World } from '../support/world.ts'

let realms: TwoRealms
let alice: Device
let gina: Device

furnishTwoRealms(async (opened) => {
  realms = opened
  alice = await realms.acme.signedIn('alice')
  gina = await realms.globex.signedIn('gina')
})

/** What a realm keeps of what a peer has signed, opened. */
const keptBy = (world: World, domain: string, kind: StatementKind) =>
  world.store.read(async (tx) => {
    const keys = await tx.receipts.keysOf(domain)
    const all = await tx.receipts.of(domain, { limit: 1000 })
    return all
      .filter((one) => one.kind === kind)
      .map(({ note }) => {
        const [statement] = keys.flatMap((vkey) => openStatement({ note, vkey }) ?? [])
        assert.ok(statement, 'it does not verify')
        return statement
      })
  })
const entryAt = async (world: World, sequence: number): Promise<Entry> => {
  const entry = (await world.entries())[sequence - 1]
  assert.ok(entry)
  return entry
}
const remove = (resourceUri: string, userId: string): Promise<Json> =>
  alice.ask('delete', `${resourceUri}/authorizations?authId=${userId}`)

describe('a key that was given', () => {
  test('is signed for by its home: which, on what, for whom, when, and where its log says so', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    await gina.ask('retrieve', key.uri)
    const statement = (await keptBy(realms.globex, ACME_DOMAIN, 'release')).at(-1)
    assert.ok(statement)
    const [entry] = statement.entries
    assert.ok(entry)
    assert.deepEqual([statement.by, statement.to], [ACME_DOMAIN, GLOBEX_DOMAIN])
    assert.deepEqual([entry.keys, entry.resource], [[key.uri], resource.uri])
    assert.equal(entry.user, await realms.acme.pseudonymOf('gina'))
    const said = await entryAt(realms.acme, entry.sequence)
    assert.deepEqual(
      [said.action, said['keys'], said['trackingId'], said['onBehalfOf']],
      ['key.released', [key.uri], entry.trackingId, entry.user],
    )
    const came = (await realms.globex.entries()).findLast(
      ({ action }) => action === 'peer.keys-received',
    )
    assert.ok(came)
    assert.equal((came['details'] as Json)['theirEntry'], entry.sequence)
  })

  test('fifty in one batch are one statement, which says of each', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    const ask = () => gina.seal(gina.request({ method: 'retrieve', uri: key.uri }))
    await gina.post(await Promise.all(Array.from({ length: 50 }, ask)))
    const statement = (await keptBy(realms.globex, ACME_DOMAIN, 'release')).at(-1)
    assert.deepEqual(
      statement?.entries.map(({ place }) => place),
      Array.from({ length: 50 }, (_, place) => place),
    )
  })

  const lies: readonly (readonly [string, (body: Json) => unknown])[] = [
    ['not signed for', ({ statement: _none, ...rest }) => rest],
    ['signed for by nobody', ({ logKey: _none, ...rest }) => rest],
    [
      'signed for by a key of another log',
      (body) => ({ ...body, logKey: String(body['logKey']).replace('acme', 'mallory') }),
    ],
    [
      'signed for in other words',
      (body) => ({ ...body, statement: String(body['statement']).replace('release', 'use') }),
    ],
  ]
  for (const [how, change] of lies) {
    test(`and is ${how} is not taken`, async () => {
      const { key } = await aRoom(alice, [PEOPLE.gina])
      realms.onLine = async (_crossing, deliver) => {
        const reply = await deliver()
        return 'status' in reply
          ? { ...reply, body: change(JSON.parse(JSON.stringify(reply.body))) }
          : reply
      }
      const answer = await gina.ask('retrieve', key.uri)
      await realms.globex.refused(answer, 502, 'federation.statement-wrong')
      const kept = await realms.globex.store.read((tx) => tx.keys.find([key.uri as never]))
      assert.equal(kept.size, 0)
    })
  }

  test('is not given, and not signed for, once the realm is locked', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    realms.onLine = async (_crossing, deliver) => {
      realms.acme.realm.keyring.lock()
      return await deliver()
    }
    await realms.globex.refused(await gina.ask('retrieve', key.uri), 502, 'federation.peer-broken')
    await realms.acme.realm.unlock()
  })

  test('of a statement that was captured before, another release is not signed for', async () => {
    const one = await aRoom(alice, [PEOPLE.gina])
    const two = await aRoom(alice, [PEOPLE.gina])
    let captured: unknown
    realms.onLine = async (_crossing, deliver) => {
      const reply = await deliver()
      if (!('status' in reply)) return reply
      const body = JSON.parse(JSON.stringify(reply.body))
      captured ??= body.statement
      return { ...reply, body: { ...body, statement: captured } }
    }
    assert.equal((await gina.ask('retrieve', one.key.uri))['status'], 200)
    const answer = await gina.ask('retrieve', two.key.uri)
    await realms.globex.refused(answer, 502, 'federation.statement-wrong')
  })
})

describe('what became of a key', () => {
  test('is told to its home, signed, once; and told again until it is acknowledged', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    await gina.ask('retrieve', key.uri)
    await gina.ask('retrieve', key.uri)
    realms.cut()
    await realms.work(GLOBEX_DOMAIN)
    assert.equal((await realms.globex.lastEntry()).action, 'peer.uses-owed')
    realms.heal()
    realms.advance(seconds(2))
    await realms.work(GLOBEX_DOMAIN)
    assert.equal((await realms.globex.lastEntry()).action, 'peer.uses-told')
    assert.equal((await realms.acme.lastEntry()).action, 'peer.uses-received')
    const statement = (await keptBy(realms.acme, GLOBEX_DOMAIN, 'use')).at(-1)
    const uses = statement?.entries.filter(({ keys }) => keys.includes(key.uri)) ?? []
    assert.equal(uses.length, 2)
    assert.equal(uses[0]?.user, await realms.globex.pseudonymOf('gina'))
    const said = await entryAt(realms.globex, uses[0]?.sequence ?? 0)
    assert.deepEqual([said.action, said['keys']], ['key.released', [key.uri]])
    const { length } = await realms.acme.entries()
    realms.advance(seconds(600))
    await realms.work(GLOBEX_DOMAIN)
    assert.equal((await realms.acme.entries()).length, length)
    assert.equal(await realms.globex.store.read((tx) => tx.receipts.countOwed()), 0)
  })

  test('is told however much was recorded before it', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    const act: Act = {
      ...{ action: 'identity.reloaded', outcome: 'done', type: 'PROCESS' },
      actor: { kind: 'system' },
    }
    const acts = Array.from({ length: 2500 }, () => act)
    await realms.globex.ledger.commit(async () => ({ result: undefined, acts }))
    await gina.ask('retrieve', key.uri)
    await realms.work(GLOBEX_DOMAIN)
    const statement = (await keptBy(realms.acme, GLOBEX_DOMAIN, 'use')).at(-1)
    assert.deepEqual(
      statement?.entries.map(({ keys }) => keys),
      [[key.uri]],
    )
  })

  test('is not taken of keys that are not ours, of another realm’s signature, or unsigned', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    const sign = async (world: World, changes: Json = {}) => {
      const entry = { sequence: 1, time: world.now(), trackingId: 'x', keys: [key.uri], ...changes }
      const { domain } = world.realm.settings
      const signed = await world.realm.statements.sign({
        kind: 'use',
        by: domain,
        to: ACME_DOMAIN,
        entries: [entry],
      })
      return { statement: signed?.note, logKey: signed?.vkey }
    }
    const theirs = `kms://${GLOBEX_DOMAIN}/keys/99999999-9999-4999-8999-999999999999`
    for (const [from, body] of [
      [MALLORY_DOMAIN, await sign(realms.globex)],
      [GLOBEX_DOMAIN, await sign(realms.globex, { keys: [theirs] })],
      [GLOBEX_DOMAIN, await sign(realms.acme)],
      [GLOBEX_DOMAIN, {}],
    ] as const) {
      const question = { path: '/federation/v1/receipts', body, trackingId: 'hostile_7' }
      const reply = await realms.askAs(from, ACME_DOMAIN, question)
      assert.equal('status' in reply && reply.status, 502)
      assert.equal((await realms.acme.lastEntry())['code'], 'federation.statement-wrong')
    }
  })
})

describe('a withdrawal', () => {
  const withdrawn = async () => {
    const room = await aRoom(alice, [PEOPLE.gina])
    await gina.ask('retrieve', room.key.uri)
    await remove(room.resource.uri, PEOPLE.gina)
    return room
  }

  test('is acknowledged by a signed statement of what was let go of', async () => {
    const { key } = await withdrawn()
    await realms.work(ACME_DOMAIN)
    const statement = (await keptBy(realms.acme, GLOBEX_DOMAIN, 'withdrawal')).at(-1)
    const [entry] = statement?.entries ?? []
    assert.ok(entry)
    assert.ok(entry.keys.includes(key.uri))
    const said = await entryAt(realms.globex, entry.sequence)
    assert.equal(said.action, 'peer.withdrawal-received')
    assert.doesNotMatch(JSON.stringify(statement), new RegExp(PEOPLE.gina))
  })

  test('that is merely said to be done is owed still', async () => {
    await withdrawn()
    realms.onLine = async (_crossing, deliver) => {
      const reply = await deliver()
      return 'status' in reply ? { ...reply, body: { acknowledged: 1 } } : reply
    }
    await realms.work(ACME_DOMAIN)
    const last = await realms.acme.lastEntry()
    assert.deepEqual(
      [last.action, last['code']],
      ['peer.withdrawal-owed', 'federation.statement-wrong'],
    )
    assert.equal(await realms.acme.store.read((tx) => tx.debts.countOwed()), 1)
    realms.heal()
    realms.advance(seconds(5))
    await realms.work(ACME_DOMAIN)
    assert.equal(await realms.acme.store.read((tx) => tx.debts.countOwed()), 0)
  })
})

describe('both logs, side by side', () => {
  const readOf = (world: World, isLeftOut: (entry: Entry) => boolean = () => false): ReadLog =>
    async function* () {
      const entries = await world.store.read((tx) => tx.audit.read(0, 1_000_000))
      yield* entries.filter(({ body }) => !isLeftOut(JSON.parse(body)))
    }
  const differences = async (
    acme: ReadLog,
    globex: ReadLog,
  ): Promise<readonly PeerDifference[]> => {
    const all: PeerDifference[] = []
    const one = { domain: ACME_DOMAIN, read: acme }
    const found = await reconcilePeers(one, { domain: GLOBEX_DOMAIN, read: globex }, (each) =>
      all.push(each),
    )
    assert.equal(found.differences, all.length)
    return all
  }

  test('say the same of two honest realms, and each key of which they do not is named', async () => {
    const pair = await TwoRealms.open()
    try {
      const giver = await pair.acme.signedIn('alice')
      const taker = await pair.globex.signedIn('gina')
      const { key } = await aRoom(giver, [PEOPLE.gina])
      const theirs = await aRoom(taker, [PEOPLE.alice])
      await taker.ask('retrieve', key.uri)
      await giver.ask('retrieve', theirs.key.uri)
      await pair.work(ACME_DOMAIN)
      await pair.work(GLOBEX_DOMAIN)
      assert.deepEqual(await differences(readOf(pair.acme), readOf(pair.globex)), [])

      const isCame = ({ action }: Entry) => action === 'peer.keys-received'
      const isGiven = (entry: Entry) =>
        entry.action === 'key.released' && (entry['actor'] as Json)['kind'] === 'peer'
      const isTold = ({ action }: Entry) => action === 'peer.uses-received'
      const never = await differences(readOf(pair.acme), readOf(pair.globex, isCame))
      assert.deepEqual(
        never.map(({ what, by, key: uri }) => [what, by, uri]),
        [['given', ACME_DOMAIN, key.uri]],
      )
      const denied = await differences(readOf(pair.acme, isGiven), readOf(pair.globex))
      assert.deepEqual(
        denied.map(({ what, by, key: uri }) => [what, by, uri]),
        [['came', GLOBEX_DOMAIN, key.uri]],
      )
      const untold = await differences(readOf(pair.acme, isTold), readOf(pair.globex))
      assert.deepEqual(
        untold.map(({ what, by, key: uri }) => [what, by, uri]),
        [['used', GLOBEX_DOMAIN, key.uri]],
      )

      // An answer that was lost on the way: given, and never got.
      const lost = await aRoom(giver, [PEOPLE.gina])
      pair.onLine = async (_crossing, deliver) => {
        await deliver()
        return { refused: 'federation.peer-timed-out' }
      }
      await taker.ask('retrieve', lost.key.uri)
      const found = await differences(readOf(pair.acme), readOf(pair.globex))
      assert.deepEqual(
        found.map(({ what, key: uri }) => [what, uri]),
        [['given', lost.key.uri]],
      )
    } finally {
      await pair.close()
    }
  })
})
