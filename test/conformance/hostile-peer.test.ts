// A peer with a good certificate and bad intentions: it gets nothing for users that are not its own, nothing of rooms that none of
// them is in, and what it answers is held against what it was asked.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { systemRandom } from '../../src/crypto/index.ts'
import {
  blockPeer,
  type PeerDomain,
  type PeerReply,
  pinUser,
  unblockPeer,
} from '../../src/federation/index.ts'
import type { UserId } from '../../src/id.ts'
import { offBoard } from '../../src/kms/index.ts'
import type { RefusalCode } from '../../src/refusal.ts'
import { seconds } from '../../src/time.ts'
import type { Device, Json } from '../support/device.ts'
import {
  ACME_DOMAIN,
  GLOBEX_DOMAIN,
  MALLORY_DOMAIN,
  type OnLine,
  TwoRealms,
} from '../support/two-realms.ts'
import { aRoom, keysOf, PEOPLE, type World } from '../support/world.ts'

const UNKNOWN = '99999999-9999-4999-8999-999999999999'
const FOREIGN_ROOM = `kms://${ACME_DOMAIN}/resources/${UNKNOWN}`

let realms: TwoRealms
let alice: Device
let gina: Device

before(async () => {
  realms = await TwoRealms.open()
  alice = await realms.acme.signedIn('alice')
  gina = await realms.globex.signedIn('gina')
})
after(() => realms.close())
beforeEach(() => realms.heal())

/** What a peer gets for requests in its own words. */
const askAs = async (domain: string, requests: unknown): Promise<PeerReply> => {
  const question = { path: '/federation/v1/requests', body: { requests }, trackingId: 'hostile_1' }
  const reply = await realms.askAs(domain, ACME_DOMAIN, question)
  assert.ok('status' in reply)
  return reply
}

const retrieve = (userId: string, uri: string, more: Json = {}) => [
  { userId, request: { requestId: '0', method: 'retrieve', uri, client: {} }, ...more },
]

const questionOf = (userId: string, uri: string) => {
  const body = { requests: retrieve(userId, uri) }
  return { path: '/federation/v1/requests', body, trackingId: 'hostile_9' }
}

/** Refused at acme, in the peer's name; no key is in what it got. */
const refusedTo = async (domain: string, requests: unknown, code: RefusalCode) => {
  const reply = await askAs(domain, requests)
  assert.doesNotMatch(JSON.stringify(reply), /"k":/)
  const last = await realms.acme.lastEntry()
  assert.deepEqual(
    [last.outcome, last['code'], last['actor']],
    ['refused', code, { kind: 'peer', id: domain }],
  )
  return reply
}

describe('a peer that asks', () => {
  test('for a room that its user is not in gets nothing', async () => {
    const { key, resource } = await aRoom(alice)
    await refusedTo(GLOBEX_DOMAIN, retrieve(PEOPLE.gina, key.uri), 'kms.not-authorized')
    const list = retrieve(PEOPLE.gina, `${resource.uri}/keys`)
    await refusedTo(GLOBEX_DOMAIN, list, 'kms.not-authorized')
  })

  test('in the name of a user of ours gets nothing, and the conflict is kept', async () => {
    const { key } = await aRoom(alice)
    await refusedTo(MALLORY_DOMAIN, retrieve(PEOPLE.alice, key.uri), 'federation.claim-conflict')
    const conflicts = await realms.acme.store.read((tx) => tx.peers.conflicts())
    assert.ok(conflicts.some((one) => one.domain === MALLORY_DOMAIN))
  })

  test('in the name of a user that another peer claimed first gets nothing', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    assert.equal((await gina.ask('retrieve', key.uri))['status'], 200)
    await refusedTo(MALLORY_DOMAIN, retrieve(PEOPLE.gina, key.uri), 'federation.claim-conflict')
    assert.equal((await gina.ask('retrieve', key.uri))['status'], 200)
  })

  test('in the name of users whom nobody named pins none of them', async () => {
    const { key } = await aRoom(alice)
    await refusedTo(MALLORY_DOMAIN, retrieve(UNKNOWN, key.uri), 'kms.not-authorized')
    const pins = await realms.acme.store.read((tx) => tx.peers.pinsOf(MALLORY_DOMAIN, 10))
    assert.deepEqual(pins, [])
  })

  test('and vouches for a room of ours is not believed', async () => {
    const { key, resource } = await aRoom(alice)
    const vouched = retrieve(PEOPLE.gina, key.uri, { vouchedFor: resource.uri })
    const reply = await refusedTo(GLOBEX_DOMAIN, vouched, 'request.invalid')
    assert.equal(reply.status, 400)
    const own = { vouchedFor: `kms://${GLOBEX_DOMAIN}/resources/${UNKNOWN}` }
    const elsewhere = retrieve(PEOPLE.gina, key.uri, own)
    await refusedTo(GLOBEX_DOMAIN, elsewhere, 'kms.not-authorized')
  })

  test('for keys of a third realm, or for what no peer may, gets nothing', async () => {
    const third = retrieve(PEOPLE.gina, `kms://kms.third.example/keys/${UNKNOWN}`)
    await refusedTo(GLOBEX_DOMAIN, third, 'request.foreign-host')
    for (const [method, uri] of [
      ['create', '/keys'],
      ['create', '/resources'],
      ['update', '/ping'],
    ]) {
      const count = uri === '/keys' ? { count: 1 } : {}
      const request = { requestId: '0', method, uri, client: {}, ...count }
      const asked = [{ userId: PEOPLE.gina, request }]
      await refusedTo(GLOBEX_DOMAIN, asked, 'federation.not-forwarded')
    }
  })

  test('to bind a key that is not its own is refused', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.gina])
    const [ours] = keysOf(await alice.ask('create', '/keys', { count: 1 }))
    const third = `kms://kms.third.example/keys/${UNKNOWN}`
    for (const uri of [ours?.uri, third]) {
      const request = { requestId: '0', method: 'update', uri, client: {} }
      const asked = [{ userId: PEOPLE.gina, request: { ...request, resourceUri: resource.uri } }]
      await refusedTo(GLOBEX_DOMAIN, asked, 'request.foreign-host')
    }
  })

  test('in batches that are none, or too long, is refused whole', async () => {
    const many = Array.from({ length: 101 }, () => retrieve(PEOPLE.gina, FOREIGN_ROOM)[0])
    for (const requests of [undefined, [], 'all', many]) {
      assert.equal((await refusedTo(GLOBEX_DOMAIN, requests, 'request.invalid-count')).status, 400)
      realms.advance(seconds(61))
    }
    for (const item of [null, {}, { userId: 'gina', request: {} }, { userId: PEOPLE.gina }]) {
      await refusedTo(GLOBEX_DOMAIN, [item], 'request.invalid')
      realms.advance(seconds(61))
    }
  })

  test('to take back what another realm said is refused, and nothing is forgotten', async () => {
    const { key, resource } = await aRoom(alice, [PEOPLE.gina])
    await gina.ask('retrieve', key.uri)
    const withdrawals = [{ resourceUri: resource.uri, userId: PEOPLE.gina }]
    const path = '/federation/v1/withdrawals'
    const question = { path, body: { withdrawals }, trackingId: 'hostile_2' }
    const reply = await realms.askAs(MALLORY_DOMAIN, GLOBEX_DOMAIN, question)
    assert.equal('status' in reply && reply.status, 400)
    realms.cut()
    assert.equal((await gina.ask('retrieve', key.uri))['status'], 200)
  })

  test('is turned away once it is blocked, on its next request', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    const { ledger } = realms.acme
    const domain = GLOBEX_DOMAIN as PeerDomain
    assert.equal(await blockPeer(ledger, domain), true)
    assert.equal((await realms.acme.lastEntry()).action, 'peer.blocked')
    assert.equal(await blockPeer(ledger, domain), false)
    await refusedTo(GLOBEX_DOMAIN, retrieve(PEOPLE.gina, key.uri), 'federation.blocked')
    const theirs = await aRoom(gina, [PEOPLE.alice])
    const answer = await alice.ask('retrieve', theirs.key.uri)
    await realms.acme.refused(answer, 403, 'federation.blocked')
    assert.equal(await unblockPeer(ledger, domain), true)
    assert.equal(await unblockPeer(ledger, domain), false)
    assert.equal((await gina.ask('retrieve', key.uri))['status'], 200)
  })
})

describe('a peer that answers', () => {
  /** Changes what acme says. */
  const answering =
    (change: (answers: Json[]) => unknown): OnLine =>
    async (_crossing, deliver) => {
      const reply = await deliver()
      if (!('status' in reply)) return reply
      const { answers } = JSON.parse(JSON.stringify(reply.body)) as { answers: Json[] }
      return { ...reply, body: { answers: change(answers) } }
    }

  const keyIn = (answers: Json[]) => answers[0]?.['key'] as Record<string, unknown>
  const changedKey = (changes: Json) => (answers: Json[]) => [
    { ...answers[0], key: { ...keyIn(answers), ...changes } },
  ]

  const lies: readonly (readonly [string, (answers: Json[]) => unknown])[] = [
    ['with another key', changedKey({ uri: `kms://${ACME_DOMAIN}/keys/${UNKNOWN}` })],
    [
      'with another key that is whole',
      (answers) => {
        const uri = `kms://${ACME_DOMAIN}/keys/${UNKNOWN}`
        const jwk = { ...(keyIn(answers)['jwk'] as Json), kid: uri }
        return changedKey({ uri, jwk })(answers)
      },
    ],
    ['with a key of another realm', changedKey({ uri: `kms://${GLOBEX_DOMAIN}/keys/${UNKNOWN}` })],
    [
      'with a key of a room of ours',
      changedKey({ resourceUri: `kms://${GLOBEX_DOMAIN}/resources/${UNKNOWN}` }),
    ],
    ['with a key of a room of nobody', changedKey({ resourceUri: undefined })],
    ['with a key that is not bound', changedKey({ bindDate: undefined })],
    ['with a key too short', changedKey({ jwk: { kty: 'oct', kid: '', k: 'AAAA' } })],
    ['twice', (answers) => [...answers, ...answers]],
    ['with nothing', () => []],
    ['with something else', () => 'no'],
    ['with half an answer', (answers) => [{ status: answers[0]?.['status'] }]],
    ['with a status that is none', () => [{ status: 'ok' }]],
  ]
  for (const [how, change] of lies) {
    test(`${how} is refused, and nothing is kept`, async () => {
      const { key } = await aRoom(alice, [PEOPLE.gina])
      realms.onLine = answering(change)
      const answer = await gina.ask('retrieve', key.uri)
      await realms.globex.refused(answer, 502, 'federation.answer-wrong')
      const kept = await realms.globex.store.read((tx) => tx.keys.find([key.uri as never]))
      assert.equal(kept.size, 0)
    })
  }

  test('after everybody has gone is not heard', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    realms.onLine = (_crossing, deliver) => {
      realms.advance(seconds(5))
      return deliver()
    }
    const answer = await gina.ask('retrieve', key.uri)
    await realms.globex.refused(answer, 504, 'federation.peer-timed-out')
  })

  test('that it is locked has said neither yes nor no', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    realms.acme.realm.keyring.lock()
    await realms.globex.refused(await gina.ask('retrieve', key.uri), 502, 'federation.peer-broken')
    await realms.acme.realm.unlock()
    assert.equal((await gina.ask('retrieve', key.uri))['status'], 200)
  })

  test('that it refuses our whole realm is said to be so', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    realms.onLine = async () => ({ status: 403, body: {} })
    const answer = await gina.ask('retrieve', key.uri)
    await realms.globex.refused(answer, 403, 'federation.refused-by-peer')
  })
})

describe('a realm', () => {
  const withPolicy = async (
    policy: Parameters<typeof TwoRealms.open>[0],
    check: (pair: TwoRealms, key: string, gina: Device, acme: World) => Promise<void>,
  ) => {
    const pair = await TwoRealms.open(policy)
    try {
      const { key } = await aRoom(await pair.acme.signedIn('alice'), [PEOPLE.gina])
      await check(pair, key.uri, await pair.globex.signedIn('gina'), pair.acme)
    } finally {
      await pair.close()
    }
  }

  test('that is closed asks nobody and answers nobody', async () => {
    await withPolicy({ globex: { mode: 'closed' } }, async (pair, key, device) => {
      await pair.globex.refused(await device.ask('retrieve', key), 403, 'federation.closed')
      assert.equal(pair.crossings.length, 0)
    })
    await withPolicy({ acme: { mode: 'closed' } }, async (pair, key, device, acme) => {
      const answer = await device.ask('retrieve', key)
      await pair.globex.refused(answer, 403, 'federation.refused-by-peer')
      assert.equal((await acme.lastEntry())['code'], 'federation.closed')
    })
  })

  test('with a list works with those on it', async () => {
    const listed = { mode: 'listed', listed: new Set([ACME_DOMAIN]) } as const
    await withPolicy({ globex: listed }, async (_pair, key, device) => {
      assert.equal((await device.ask('retrieve', key))['status'], 200)
    })
    const other = { ...listed, listed: new Set(['kms.other.example']) }
    await withPolicy({ globex: other }, async (pair, key, device) => {
      await pair.globex.refused(await device.ask('retrieve', key), 403, 'federation.not-listed')
    })
  })

  test('whose administrator says whose users are, believes no claims', async () => {
    await withPolicy({ acme: { claims: 'listed' } }, async (pair, key, device, acme) => {
      const asked = () => device.ask('retrieve', key)
      // The refused side is told so, and has it in its own log.
      await pair.globex.refused(await asked(), 403, 'federation.not-pinned-at-home')
      assert.equal((await acme.lastEntry())['code'], 'federation.user-not-pinned')
      const userId = PEOPLE.gina as UserId
      const pin = (domain: string, mayMove = false) =>
        pinUser(acme.ledger, systemRandom, { userId, domain: domain as PeerDomain, mayMove })
      assert.equal(await pin(MALLORY_DOMAIN), 'pinned')
      assert.equal(await pin(GLOBEX_DOMAIN), 'pinned-elsewhere')
      await pair.globex.refused(await asked(), 403, 'federation.not-pinned-at-home')
      assert.equal((await acme.lastEntry())['code'], 'federation.claim-conflict')
      assert.equal(await pin(GLOBEX_DOMAIN, true), 'pinned')
      const moved = await acme.lastEntry()
      assert.deepEqual(moved['details'], { from: MALLORY_DOMAIN, peer: GLOBEX_DOMAIN })
      assert.deepEqual(moved['subjects'], [await acme.pseudonymOf('gina')])
      assert.deepEqual(await acme.store.read((tx) => tx.peers.conflicts()), [])
      assert.equal(await pin(GLOBEX_DOMAIN), 'already-pinned')
      assert.equal((await device.ask('retrieve', key))['status'], 200)
    })
  })

  test('whose administrator says whose users are, tells a stranger nobody from somebody of its own', async () => {
    await withPolicy({ acme: { claims: 'listed' } }, async (pair, key, _device, acme) => {
      const gina = { userId: PEOPLE.gina as UserId, domain: GLOBEX_DOMAIN as PeerDomain }
      await pinUser(acme.ledger, systemRandom, { ...gina, mayMove: false })
      await offBoard(acme.ledger, acme.means, PEOPLE.gina as UserId)
      const answers: unknown[] = []
      // Another's, gone; our own; known to nobody; and the same of a key that does not exist.
      for (const userId of [PEOPLE.gina, PEOPLE.alice, UNKNOWN]) {
        for (const uri of [key, `kms://${ACME_DOMAIN}/keys/${UNKNOWN}`]) {
          const reply = await pair.askAs(MALLORY_DOMAIN, ACME_DOMAIN, questionOf(userId, uri))
          answers.push('body' in reply ? reply.body : reply)
        }
      }
      const [first] = answers
      assert.match(JSON.stringify(first), /"code":"federation\.user-not-pinned"/)
      for (const answer of answers) assert.deepEqual(answer, first)
    })
  })

  test('where the first claim counts tells nobody whether a user is known, or as whose', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    assert.equal((await gina.ask('retrieve', key.uri))['status'], 200)
    const answers: unknown[] = []
    for (const userId of [PEOPLE.gina, PEOPLE.alice, UNKNOWN]) {
      const reply = await realms.askAs(MALLORY_DOMAIN, ACME_DOMAIN, questionOf(userId, key.uri))
      answers.push('body' in reply ? reply.body : reply)
    }
    assert.doesNotMatch(JSON.stringify(answers), /code|claim|pin/)
    for (const answer of answers) assert.deepEqual(answer, answers[0])
  })

  test('whose operator allows it serves what was known while its home is away', async () => {
    const grace = { offlineGraceFor: seconds(3600) }
    await withPolicy({ globex: grace }, async (pair, key, device) => {
      await device.ask('retrieve', key)
      pair.cut()
      pair.advance(seconds(600))
      assert.equal((await device.ask('retrieve', key))['status'], 200)
      pair.advance(seconds(3001))
      const answer = await device.ask('retrieve', key)
      await pair.globex.refused(answer, 503, 'federation.peer-unreachable')
    })
  })
})
