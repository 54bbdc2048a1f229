import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ClientError, KmsRefused } from '../../../src/client/index.ts'
import { until } from './clock.ts'
import { aWorld, type World } from './world.ts'

const open: World[] = []
const world = async (...wanted: Parameters<typeof aWorld>) => {
  const made = await aWorld(...wanted)
  open.push(made)
  return made
}
after(() => Promise.all(open.map((one) => one.close())))

const failsWith = (code: string) => (error: unknown) => {
  assert.ok(error instanceof ClientError, String(error))
  assert.equal(error.code, code)
  return true
}

test('the first request makes a session, the next ones use it', async () => {
  const { client, realm } = await world()
  assert.equal(realm.state.handshakes, 0)
  await client.ping()
  await client.ping()
  assert.equal(realm.state.handshakes, 1)
  assert.equal(
    realm.requests.every((request) => request.clientId === client.clientId),
    true,
  )
  assert.equal(
    realm.requests.every((request) => request.bearer === 'kms-token'),
    true,
  )
})

test('requests of one moment share a handshake and travel together', async () => {
  const { client, realm, core } = await world()
  await Promise.all(Array.from({ length: 120 }, () => client.ping()))
  assert.equal(realm.state.handshakes, 1)
  const [handshake = 0, ...others] = core.posts.map((post) => post.length)
  assert.equal(handshake, 1)
  assert.ok(Math.max(...others) <= 50)
  assert.ok(others.length < 60, others.join())
})

test('a session is renewed at four fifths of its life, while the old one still serves', async () => {
  const { client, realm, clock } = await world()
  await client.ping()
  await clock.advance(2_879_000)
  await client.ping()
  assert.equal(realm.state.handshakes, 1)
  await clock.advance(1000)
  await client.ping()
  await until(() => realm.state.handshakes === 2)
  await client.ping()
  assert.equal(realm.state.handshakes, 2)
})

test('a session that is over is never used again', async () => {
  const { client, realm, clock } = await world()
  await client.ping()
  realm.sessions.clear()
  await clock.advance(3_600_000)
  await client.ping()
  assert.equal(realm.state.handshakes, 2)
})

test('a signed reset is obeyed: new session, unbound keys dropped, the request repeated', async () => {
  const { client, realm, clock } = await world()
  const before = await client.keys.takeUnbound()
  realm.sessions.clear()
  await clock.advance(6000)
  await client.ping()
  assert.equal(realm.state.handshakes, 2)
  const createdSoFar = countOf(realm.requests, 'create-keys')
  const next = await client.keys.takeUnbound()
  assert.notEqual(next.uri, before.uri)
  assert.equal(countOf(realm.requests, 'create-keys'), createdSoFar + 1)
})

test('many resets for one lost session make one new session', async () => {
  const { client, realm, clock } = await world()
  await client.ping()
  realm.sessions.clear()
  await clock.advance(6000)
  await Promise.all(Array.from({ length: 20 }, () => client.ping()))
  assert.equal(realm.state.handshakes, 2)
})

test('a reset that is repeated for a young session changes nothing', async () => {
  const { client, realm, core } = await world()
  await client.ping()
  const reset = await realm.reset()
  for (let times = 0; times < 5; times += 1) core.deliverKms(reset)
  for (let times = 0; times < 3; times += 1) await client.ping()
  assert.equal(realm.state.handshakes, 1)
})

test('a reset that the realm did not sign changes nothing, and neither does noise', async () => {
  const { client, realm, core, clock } = await world()
  await client.ping()
  await clock.advance(6000)
  const [header, payload, signature = ''] = (await realm.reset()).split('.')
  core.deliverKms(`${header}.${payload}.${signature.slice(0, -4)}AAAA`)
  core.deliverKms('', 'a.b.c', 'x'.repeat(100), 'a.b.c.d.e')
  for (let times = 0; times < 3; times += 1) await client.ping()
  assert.equal(realm.state.handshakes, 1)
})

test('an answer that does not come is asked for again under a new requestId', async () => {
  const { client, realm, core, clock } = await world()
  await client.ping()
  core.state.isSilent = true
  const asking = client.ping()
  await until(() => realm.requests.length === 3)
  core.state.isSilent = false
  await clock.advance(6000)
  await asking
  const ids = realm.requests.map((request) => request.requestId)
  assert.equal(new Set(ids).size, ids.length)
})

test('after three silent tries, the last in a new session, the request fails', async () => {
  const { client, realm, core, clock } = await world()
  await client.ping()
  core.state.isSilent = true
  const asking = client.ping()
  const failed = assert.rejects(asking, failsWith('client.timed-out'))
  // Two tries, then two at a new session.
  for (const posts of [3, 4, 5, 6]) {
    await until(() => core.posts.length === posts && clock.pending > 1)
    await clock.advance(6000)
  }
  await failed
  await until(() => realm.state.handshakes === 3)
  core.state.isSilent = false
  await client.ping()
})

test('a failed handshake is not remembered', async () => {
  const { client, realm, core } = await world()
  core.state.postStatus = 403
  await assert.rejects(client.ping(), failsWith('client.core-refused'))
  core.state.postStatus = 202
  await client.ping()
  assert.equal(realm.state.handshakes, 1)
})

test('a refused handshake says why, if the realm signed it', async () => {
  const { client, realm } = await world()
  realm.state.changeHandshake = ({ requestId }) => ({ status: 403, reason: 'No', requestId })
  await assert.rejects(client.ping(), (error: unknown) => {
    return error instanceof KmsRefused && error.status === 403 && error.reason === 'No'
  })
})

for (const [title, change] of [
  ['of another host', { uri: 'kms://kms.globex.example/ecdhe/1' }],
  ['for another device', { clientId: 'https://core.example.test/wdm/api/v1/devices/d2' }],
  ['that is over already', { expirationDate: '2026-03-01T09:00:00.000Z' }],
  ['without an end', { expirationDate: 'soon' }],
  ['on another curve', { jwk: { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA' } }],
] as const) {
  test(`a session ${title} is not entered`, async () => {
    const { client, realm } = await world()
    realm.state.changeHandshake = ({ key, ...rest }) => ({
      ...rest,
      key: { ...Object(key), ...change },
    })
    await assert.rejects(client.ping(), failsWith('client.invalid-answer'))
  })
}

test('a realm that is not the expected one is never sent anything', async () => {
  const { client, core } = await world()
  core.state.details = { ...core.state.details, kmsCluster: 'kms://kms.globex.example' }
  await assert.rejects(client.ping(), failsWith('client.realm-not-trusted'))
  assert.equal(core.posts.length, 0)
})

test('without roots there is no client', async () => {
  await assert.rejects(
    world({ realm: { domain: 'kms.acme.example', rootsPem: [] } }),
    failsWith('client.realm-not-trusted'),
  )
})

test('a refusal of the realm arrives with its status, reason and code', async () => {
  const { client, realm } = await world()
  realm.state.change = ({ requestId }) => ({
    status: 403,
    reason: 'Not yours',
    requestId,
    errorCode: 403001,
  })
  await assert.rejects(client.ping(), (error: unknown) => {
    assert.ok(error instanceof KmsRefused)
    assert.deepEqual([error.status, error.reason, error.errorCode], [403, 'Not yours', 403001])
    return true
  })
})

test('an answer for another request settles nothing', async () => {
  const { client, realm, core, clock } = await world()
  await client.ping()
  realm.state.change = (answer) => ({ ...answer, requestId: 'somebody-else' })
  const asking = client.ping()
  await until(() => core.posts.length === 3)
  realm.state.change = (answer) => answer
  await until(() => clock.pending > 1)
  await clock.advance(6000)
  await asking
  assert.equal(core.posts.length, 4)
})

test('closing ends the session at the realm and unregisters the device', async () => {
  const { client, realm } = await world()
  await client.ping()
  await client.close()
  assert.equal(countOf(realm.requests, 'delete-session'), 1)
})

test('a core token that is refused is renewed once', async () => {
  const asked: boolean[] = []
  const { client } = await world({
    coreToken({ renew }) {
      asked.push(renew)
      return renew || asked.includes(true) ? 'core-token' : 'old-token'
    },
  })
  await client.ping()
  assert.deepEqual(asked.slice(0, 2), [false, true])
})

function countOf(
  requests: readonly { readonly operation: { readonly name: string } }[],
  name: string,
) {
  return requests.filter(({ operation }) => operation.name === name).length
}
