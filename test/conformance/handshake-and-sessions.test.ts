// The handshake and the session that it makes (draft §4.7.1, §4.7.2), and the reset (§4.6.4).

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import * as jose from 'jose'
import { sweep } from '../../src/kms/index.ts'
import type { RefusalCode } from '../../src/refusal.ts'
import { seconds } from '../../src/time.ts'
import { type Device, type Json, newRequestId, ownKeyPair } from '../support/device.ts'
import { aRoom, HOME, PEOPLE, World } from '../support/world.ts'

const world = await World.open()
after(() => world.close())
const utf8 = new TextEncoder()

const keyOf = (answer: Json) => answer['key'] as Json & { readonly uri: string; readonly jwk: Json }
const ping = async (device: Device) => (await device.ask('update', '/ping'))['status']
const lastCode = async () => (await world.lastEntry())['code']

/** What is posted is met with silence and recorded under that code. */
const silence = async (device: Device, message: string, code: RefusalCode) => {
  assert.deepEqual(await device.post([message]), [])
  assert.equal(await lastCode(), code)
}

describe('a handshake', () => {
  test('is answered by a JWS with the session, its key half, owner, device and expiry', async () => {
    const device = world.device('alice')
    const answer = await device.shake()
    assert.equal(answer['status'], 201)
    const key = keyOf(answer)
    assert.match(key.uri, new RegExp(`^${HOME}/ecdhe/[0-9a-f-]{36}$`))
    assert.deepEqual(Object.keys(key.jwk), ['kty', 'crv', 'x', 'y'])
    const { userId, clientId, createDate, expirationDate } = key
    const now = world.now()
    assert.deepEqual(
      { userId, clientId, createDate, expirationDate },
      {
        userId: PEOPLE.alice,
        clientId: device.who.clientId,
        createDate: new Date(now).toISOString(),
        expirationDate: new Date(now + 3600_000).toISOString(),
      },
    )
    assert.equal(await ping(device), 200)
  })

  test('repeats the requestId verbatim', async () => {
    const requestId = 'quote " \\ ünïcødé 日本'
    assert.equal((await world.device('alice').shake({ requestId }))['requestId'], requestId)
  })

  test('with the same client key again makes another session with another key', async () => {
    const own = ownKeyPair()
    const device = world.device('alice')
    await device.shake({}, own)
    const first = device.channel
    await device.shake({}, own)
    assert.notEqual(device.channel.uri, first.uri)
    assert.notDeepEqual(device.channel.key, first.key)
  })

  test('leaves older sessions of the device alive', async () => {
    const device = await world.signedIn('alice')
    const older = device.channel
    await device.shake()
    const request = device.request({ method: 'update', uri: '/ping' })
    const [answer] = await device.post([await device.seal(request, older)])
    assert.ok(answer)
    const { plaintext } = await jose.compactDecrypt(answer.kmsMessage, older.key)
    assert.equal(JSON.parse(new TextDecoder().decode(plaintext)).status, 200)
    assert.equal(await ping(device), 200)
  })

  test('takes no notice of a private half in the JWK, and keeps it nowhere', async () => {
    const own = ownKeyPair()
    const device = world.device('alice')
    const answer = await device.shake({ jwk: { ...own, alg: 'ECDH-ES', kid: 'x' } }, own)
    assert.equal(answer['status'], 201)
    assert.equal(await ping(device), 200)
    const log = await world.store.read((tx) => tx.audit.read(0, 100_000))
    const everything = JSON.stringify([answer, log.map((entry) => entry.body)])
    assert.equal(everything.includes(String(own.d)), false)
  })

  test('believes the token about the user, not the request', async () => {
    const device = world.device('alice')
    const client = { ...device.client({ userId: PEOPLE.bob }) }
    const answer = await device.shake({ client })
    assert.equal(keyOf(answer)['userId'], PEOPLE.alice)
  })

  for (const userId of [null, undefined, 'service-account', 7]) {
    test(`is fine with ${String(userId)} where the user is claimed`, async () => {
      const device = world.device('alice')
      const answer = await device.shake({ client: device.client({ userId }) })
      assert.equal(answer['status'], 201)
    })
  }
})

describe('a handshake is refused, in a JWS of the static key,', () => {
  const refused = async (changes: Json, status: number, code: RefusalCode) => {
    await world.refused(await world.device('alice').shake(changes), status, code)
  }
  const points: readonly [string, unknown][] = [
    ['no key', undefined],
    ['a point off the curve', { ...ownKeyPair(), y: ownKeyPair().x }],
    ['the curve P-384', { ...ownKeyPair(), crv: 'P-384' }],
    ['an RSA key', { kty: 'RSA', n: 'AQAB', e: 'AQAB' }],
    ['a coordinate that is too short', { ...ownKeyPair(), x: 'AQAB' }],
    ['coordinates of zero', { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['a list', []],
  ]
  for (const [what, jwk] of points) {
    test(`with ${what} instead of a P-256 point`, () =>
      refused({ jwk }, 400, 'request.invalid-point'))
  }

  test('without a device', async () => {
    const { credential } = world.device('alice').client()
    await refused({ client: { credential } }, 400, 'request.invalid')
  })

  test('that asks for anything but a session', async () => {
    await refused({ uri: '/keys', jwk: undefined, count: 1 }, 400, 'identity.session-required')
    await refused(
      { method: 'update', uri: '/ping', jwk: undefined },
      400,
      'identity.session-required',
    )
  })

  test('without a requestId, and then without one in the answer', async () => {
    const answer = await world.device('alice').shake({ requestId: undefined })
    assert.equal(answer['status'], 400)
    assert.equal('requestId' in answer, false)
  })

  const tokens: readonly [string, () => Json, RefusalCode][] = [
    ['no token', () => ({ bearer: undefined }), 'identity.token-missing'],
    ['an empty token', () => ({ bearer: '' }), 'identity.token-missing'],
    ['a token that is none', () => ({ bearer: 'a.b.c' }), 'identity.token-malformed'],
    [
      'an expired token',
      () => ({ bearer: world.token(PEOPLE.alice, { exp: 1 }) }),
      'identity.token-expired',
    ],
    [
      'a token of another audience',
      () => ({ bearer: world.token(PEOPLE.alice, { aud: 'x' }) }),
      'identity.wrong-audience',
    ],
    [
      'a token of another issuer',
      () => ({ bearer: world.token(PEOPLE.alice, { iss: 'https://x' }) }),
      'identity.wrong-issuer',
    ],
    [
      'a token without the scope',
      () => ({ bearer: world.token(PEOPLE.alice, { scope: 'spark:people' }) }),
      'identity.wrong-scope',
    ],
    [
      'a token with one scope too many',
      () => ({ bearer: world.token(PEOPLE.alice, { scope: 'spark:kms spark:people' }) }),
      'identity.wrong-scope',
    ],
    ['a token of nobody', () => ({ bearer: world.token('alice') }), 'identity.invalid-subject'],
    [
      'a token of an organisation that is not served',
      () => ({ bearer: world.token(PEOPLE.alice, { organization_id: PEOPLE.bob }) }),
      'identity.organization-not-served',
    ],
    [
      'a token with a broken signature',
      () => ({ bearer: `${world.token(PEOPLE.alice).slice(0, -8)}AAAAAAAA` }),
      'identity.token-untrusted',
    ],
  ]
  for (const [what, credential, code] of tokens) {
    test(`with ${what}: 403 and the words that real clients look for`, async () => {
      const device = world.device('alice')
      const answer = await device.shake({ client: device.client(credential()) })
      await world.refused(answer, 403, code)
      const words = 'Failed to resolve authorization token in KmsMessage request for user'
      assert.ok(String(answer['reason']).includes(words))
    })
  }

  test('beyond the number of sessions of one device, and other devices are not affected', async () => {
    const small = await World.open({ settings: { sessionsPerDevice: 2, sessionsPerUser: 3 } })
    const laptop = await small.signedIn('alice')
    await laptop.shake()
    await small.refused(await laptop.shake(), 429, 'kms.too-many-sessions')
    const phone = await small.signedIn('alice', {}, 'phone')
    await small.refused(await phone.shake(), 429, 'kms.too-many-sessions')
    assert.equal((await small.device('bob').shake())['status'], 201)
    assert.equal((await laptop.ask('update', '/ping'))['status'], 200)
    small.advance(seconds(3600))
    assert.equal((await laptop.shake())['status'], 201, 'sessions that are over do not count')
    await small.close()
  })
})

describe('a handshake is met with silence', () => {
  test('if it names a static key that is not ours', async () => {
    const device = world.device('alice')
    const jwk = JSON.parse(world.realm.staticKeys.published?.publicJwkJson ?? '')
    device.pinnedStaticJwk = JSON.stringify({ ...jwk, kid: `${HOME}/statickeys/99` })
    const message = await device.sealHandshake(device.handshakeRequest(ownKeyPair()))
    await silence(device, message, 'channel.unknown-static-key')
  })

  test('if the static key does not open it', async () => {
    const device = world.device('alice')
    const message = await device.sealHandshake(device.handshakeRequest(ownKeyPair()))
    const [header, key, iv, text] = message.split('.')
    const broken = [header, key, iv, text, 'A'.repeat(22)].join('.')
    await silence(device, broken, 'channel.not-opened')
    const other = await device.sealHandshake(device.handshakeRequest(ownKeyPair()))
    const mixed = [header, other.split('.')[1], iv, text, message.split('.')[4]].join('.')
    await silence(device, mixed, 'channel.not-opened')
  })

  test('while the identity provider does not answer, and succeeds once it does', async () => {
    const { provider } = world.realm
    const device = world.device('carol')
    provider.isDown = true
    const message = await device.sealHandshake(device.handshakeRequest(ownKeyPair()))
    await silence(device, message, 'identity.provider-unavailable')
    provider.isDown = false
    assert.equal((await device.shake())['status'], 201)
  })

  test('while our own store fails: a client would keep an error for its life', async () => {
    let isBroken = false
    const broken = await World.open({
      wrapStore: (store) => ({
        ...store,
        read: (work) => store.read(work),
        transact: (work) => (isBroken ? Promise.reject(new Error('gone')) : store.transact(work)),
      }),
    })
    const device = broken.device('alice')
    isBroken = true
    const request = device.handshakeRequest(ownKeyPair())
    assert.deepEqual(await device.post([await device.sealHandshake(request)]), [])
    assert.equal(broken.realm.faults.length, 1)
    isBroken = false
    assert.equal((await device.shake())['status'], 201)
    isBroken = true
    assert.equal((await device.ask('update', '/ping'))['status'], 500)
    await broken.close()
  })
})

describe('a session', () => {
  test('is sealed with its own kid, an empty key part and a fresh IV each time', async () => {
    const device = await world.signedIn('alice')
    const ask = async () => {
      const request = device.request({ method: 'update', uri: '/ping' })
      const [answer] = await device.post([await device.seal(request)])
      return answer?.kmsMessage.split('.') ?? []
    }
    const [first, second] = [await ask(), await ask()]
    const header = JSON.parse(Buffer.from(first[0] ?? '', 'base64url').toString())
    assert.deepEqual(header, { enc: 'A256GCM', alg: 'dir', kid: device.channel.uri })
    assert.equal(first[1], '')
    assert.equal(Buffer.from(first[2] ?? '', 'base64url').length, 12)
    assert.equal(Buffer.from(first[4] ?? '', 'base64url').length, 16)
    assert.notEqual(first[2], second[2])
  })

  test('survives a restart of the realm', async () => {
    const device = await world.signedIn('alice')
    const { key } = await aRoom(device)
    await world.restart()
    assert.equal((await device.ask('retrieve', key.uri))['status'], 200)
  })

  test('is used by its own user only: a token of somebody else is refused and recorded', async () => {
    const device = await world.signedIn('alice')
    device.who.bearer = world.token(PEOPLE.bob)
    await world.refused(await device.ask('update', '/ping'), 403, 'identity.other-user')
    const { actor, session } = await world.lastEntry()
    assert.equal(session, device.channel.uri)
    assert.equal((actor as Json)['id'], await world.pseudonymOf('bob'))
  })

  test('is used by its own device only', async () => {
    const device = await world.signedIn('alice')
    const client = { ...device.client(), clientId: 'https://core.example/devices/other' }
    const answer = await device.ask('update', '/ping', { client })
    await world.refused(answer, 403, 'identity.other-device')
  })

  test('needs no device in a request: it knows its own', async () => {
    const device = await world.signedIn('alice')
    const { credential } = device.client()
    assert.equal((await device.ask('update', '/ping', { client: { credential } }))['status'], 200)
  })

  test('needs a good token in every request, a new one as well', async () => {
    const device = await world.signedIn('alice')
    const good = device.who.bearer
    device.who.bearer = world.token(PEOPLE.alice, { exp: 1 })
    await world.refused(await device.ask('update', '/ping'), 403, 'identity.token-expired')
    device.who.bearer = world.token(PEOPLE.alice, { scope: 'spark:kms openid' })
    await world.refused(await device.ask('update', '/ping'), 403, 'identity.wrong-scope')
    device.who.bearer = `Bearer ${good}`
    assert.equal(await ping(device), 200)
  })

  test('answers 503 while the identity provider does not', async () => {
    const device = await world.signedIn('alice')
    device.who.bearer = world.token(PEOPLE.alice, { jti: 'never seen before' })
    world.realm.provider.isDown = true
    const answer = await device.ask('update', '/ping')
    await world.refused(answer, 503, 'identity.provider-unavailable')
    world.realm.provider.isDown = false
    assert.equal(await ping(device), 200)
  })

  test('makes no other session', async () => {
    const device = await world.signedIn('alice')
    const answer = await device.ask('create', '/ecdhe', { jwk: ownKeyPair() })
    await world.refused(answer, 405, 'request.unknown-operation')
  })

  test('lives a minute longer than announced, and not a moment more', async () => {
    const own = await World.open()
    const device = await own.signedIn('alice')
    own.advance(seconds(3600 + 59))
    assert.equal((await device.ask('update', '/ping'))['status'], 200)
    own.advance(seconds(1))
    const request = device.request({ method: 'update', uri: '/ping' })
    const [answer] = await device.post([await device.seal(request)])
    assert.ok(answer)
    assert.equal((await device.verify(answer.kmsMessage))['status'], 499)
    assert.equal((await own.lastEntry())['code'], 'channel.expired-session')
    await own.restart()
    assert.equal((await device.post([await device.seal(request)])).length, 1)
    assert.equal((await own.lastEntry())['code'], 'channel.expired-session')
    await own.close()
  })

  test('is followed by the next before it ends, for a day: what was asked meanwhile is answered', async () => {
    const own = await World.open()
    const device = await own.signedIn('alice')
    const { key } = await aRoom(device)
    const keys = new Set([Buffer.from(device.channel.key).toString('hex')])
    const RENEWALS = 24
    const [RENEWED_AT, LIFE, GRACE] = [2880, 3600, 60]
    let age = 0
    const grow = (to: number): void => {
      own.advance(seconds(to - age))
      age = to
    }
    for (let renewal = 1; renewal <= RENEWALS; renewal += 1) {
      grow(RENEWED_AT)
      device.who.bearer = own.token(PEOPLE.alice)
      const before = device.channel
      const onTheWay = await device.seal(device.request({ method: 'retrieve', uri: key.uri }))
      await device.shake()
      keys.add(Buffer.from(device.channel.key).toString('hex'))
      assert.equal((await device.ask('retrieve', key.uri))['status'], 200)
      // Sealed before the renewal, delayed until the old session has been over for almost its grace.
      grow(LIFE + GRACE - 1)
      const [late] = await device.post([onTheWay])
      const { plaintext } = await jose.compactDecrypt(late?.kmsMessage ?? '', before.key)
      assert.equal(JSON.parse(new TextDecoder().decode(plaintext)).status, 200)
      grow(LIFE + GRACE)
      const { sessions } = await sweep(own.ledger, own.realm.channels, seconds(GRACE), 100)
      assert.equal(sessions, 1, 'the old one, and no other')
      age -= RENEWED_AT
    }
    assert.equal(keys.size, RENEWALS + 1)
    await own.close()
  })

  test('ends when its device says so: the answer still comes, then the reset', async () => {
    const device = await world.signedIn('alice')
    const { uri } = device.channel
    const answer = await device.ask('delete', uri)
    assert.deepEqual({ ...answer, requestId: '' }, { status: 204, requestId: '' })
    const request = device.request({ method: 'update', uri: '/ping' })
    const [reset] = await device.post([await device.seal(request)])
    assert.equal((await device.verify(reset?.kmsMessage ?? ''))['status'], 499)
    assert.equal(await lastCode(), 'channel.unknown-session')
  })

  test('is ended by its user from another session too, and by nobody else', async () => {
    const [laptop, phone, bob] = await Promise.all([
      world.signedIn('alice'),
      world.signedIn('alice', {}, 'phone'),
      world.signedIn('bob'),
    ])
    const { uri } = laptop.channel
    await world.refused(await bob.ask('delete', uri), 403, 'kms.unknown-session')
    assert.equal(await ping(laptop), 200)
    assert.equal((await phone.ask('delete', uri.slice(HOME.length)))['status'], 204)
    const [reset] = await laptop.post([
      await laptop.seal(laptop.request({ method: 'update', uri: '/ping' })),
    ])
    assert.equal((await laptop.verify(reset?.kmsMessage ?? ''))['status'], 499)
    await world.refused(await phone.ask('delete', uri), 403, 'kms.unknown-session')
  })
})

describe('a message that no session opens', async () => {
  const device = await world.signedIn('bob')
  const sealed = () => device.seal(device.request({ method: 'update', uri: '/ping' }))
  const flipped = (message: string, part: number): string => {
    const parts = message.split('.')
    const bytes = Buffer.from(parts[part] ?? '', 'base64url')
    bytes[0] = (bytes[0] ?? 0) ^ 1
    return parts.with(part, bytes.toString('base64url')).join('.')
  }
  const header = (changes: Json) =>
    Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', ...changes })).toString('base64url')
  const unknownKid = `${HOME}/ecdhe/00000000-0000-4000-8000-000000000000`
  const cases: readonly [string, () => Promise<string>, RefusalCode][] = [
    [
      'an unknown session',
      () => device.seal({}, { uri: unknownKid, key: device.channel.key }),
      'channel.unknown-session',
    ],
    [
      'a kid of another host',
      () => device.seal({}, { uri: 'kms://x/ecdhe/1', key: device.channel.key }),
      'channel.unknown-session',
    ],
    [
      'a kid that is a key',
      () => device.seal({}, { uri: `${HOME}/keys/${newRequestId()}`, key: device.channel.key }),
      'channel.unknown-session',
    ],
    [
      'another key',
      () => device.seal({}, { uri: device.channel.uri, key: new Uint8Array(32) }),
      'channel.not-opened',
    ],
    ['a flipped bit in the IV', async () => flipped(await sealed(), 2), 'channel.not-opened'],
    [
      'a flipped bit in the ciphertext',
      async () => flipped(await sealed(), 3),
      'channel.not-opened',
    ],
    ['a flipped bit in the tag', async () => flipped(await sealed(), 4), 'channel.not-opened'],
    [
      'a header that was not sealed with it',
      async () =>
        (await sealed())
          .split('.')
          .with(0, header({ kid: device.channel.uri, typ: 'JOSE' }))
          .join('.'),
      'channel.not-opened',
    ],
    [
      'bytes that are no UTF-8',
      async () =>
        new jose.CompactEncrypt(Uint8Array.from([0xff, 0xfe]))
          .setProtectedHeader({ enc: 'A256GCM', alg: 'dir', kid: device.channel.uri })
          .encrypt(device.channel.key),
      'channel.not-opened',
    ],
  ]
  for (const [what, message, code] of cases) {
    test(`for ${what} is answered by one signed reset where the device is known`, async () => {
      const sent = await message()
      const [answer] = await device.post([sent])
      assert.ok(answer)
      assert.equal(answer.deliverTo, device.who.clientId)
      assert.deepEqual(await device.verify(answer.kmsMessage), {
        status: 499,
        reason: 'No channel opens this message',
      })
      assert.equal(await lastCode(), code)
    })

    test(`for ${what} is met with silence where it is not, and recorded all the same`, async () => {
      const sent = await message()
      assert.deepEqual(await device.post([sent], { httpDevice: undefined }), [])
      assert.equal(await lastCode(), code)
    })
  }

  const noise: readonly [string, () => string | Promise<string>][] = [
    ['nothing', () => ''],
    ['words', () => 'hello'],
    ['four parts', async () => (await sealed()).split('.').slice(0, 4).join('.')],
    ['six parts', async () => `${await sealed()}.AA`],
    ['a header that is no JSON', async () => (await sealed()).split('.').with(0, 'AAAA').join('.')],
    [
      'compression',
      async () =>
        (await sealed())
          .split('.')
          .with(0, header({ kid: device.channel.uri, zip: 'DEF' }))
          .join('.'),
    ],
    [
      'another algorithm',
      async () =>
        (await sealed())
          .split('.')
          .with(0, header({ kid: device.channel.uri, alg: 'A256KW' }))
          .join('.'),
    ],
    [
      'RSA1_5',
      async () =>
        (await sealed())
          .split('.')
          .with(0, header({ kid: `${HOME}/statickeys/1`, alg: 'RSA1_5' }))
          .join('.'),
    ],
    [
      'another content encryption',
      async () =>
        (await sealed())
          .split('.')
          .with(0, header({ kid: device.channel.uri, enc: 'A128GCM' }))
          .join('.'),
    ],
    ['no kid', async () => (await sealed()).split('.').with(0, header({})).join('.')],
    [
      'a signed message',
      () =>
        new jose.CompactSign(utf8.encode('{}'))
          .setProtectedHeader({ alg: 'HS256' })
          .sign(device.channel.key),
    ],
  ]
  for (const [what, message] of noise) {
    test(`because it is ${what} is met with silence`, async () => {
      await silence(device, await message(), 'channel.malformed')
    })
  }

  test('because it is too long is met with silence before anything is opened', async () => {
    await silence(device, 'A'.repeat(256 * 1024 + 1), 'channel.oversized')
  })

  test('does no harm to its neighbours in the post, and keeps their places', async () => {
    const messages = ['garbage', await sealed(), flipped(await sealed(), 4), await sealed()]
    const answers = await device.post(messages)
    assert.deepEqual(
      answers.map((answer) => answer.n),
      [1, 2, 3],
    )
    assert.equal((await device.open(answers[0]?.kmsMessage ?? ''))['status'], 200)
    assert.equal((await device.verify(answers[1]?.kmsMessage ?? ''))['status'], 499)
    assert.equal((await device.open(answers[2]?.kmsMessage ?? ''))['status'], 200)
  })

  test('never has to be signed again: the reset is one text', async () => {
    const [first, second] = await device.post([
      flipped(await sealed(), 4),
      flipped(await sealed(), 3),
    ])
    assert.equal(first?.kmsMessage, second?.kmsMessage)
  })
})
