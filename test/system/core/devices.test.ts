// Device registration: a device belongs to whoever registered it, and to nobody else.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { listenAs } from './fake-device.ts'
import { ALICE, type CoreWorld, openCoreWorld } from './world.ts'

let world: CoreWorld
before(async () => {
  world = await openCoreWorld({ limits: { devicesPerUser: 3 } })
})
after(() => world.close())

const DEVICES = '/wdm/api/v1/devices'

test('a registration tells where the device and the services are', async () => {
  const body = { deviceType: 'DESKTOP', name: 'a', model: 'ignored', capabilities: {} }
  const path = `${DEVICES}?includeUpstreamServices=all`
  const answer = await world.ask('POST', path, { token: 'alice', body })
  assert.equal(answer.status, 200)
  const { baseUrl } = world.core
  const { url, webSocketUrl, ...rest } = answer.body
  assert.match(String(url), new RegExp(`^${baseUrl}/wdm/api/v1/devices/[0-9a-f-]{36}$`))
  const id = String(url).split('/').at(-1)
  assert.equal(webSocketUrl, `${baseUrl.replace('https', 'wss')}/mercury/${id}`)
  assert.deepEqual(rest, {
    userId: ALICE,
    deviceType: 'DESKTOP',
    name: 'a',
    services: {
      encryptionServiceUrl: `${baseUrl}/encryption/api/v1`,
      conversationServiceUrl: `${baseUrl}/conversation/api/v1`,
      argonautServiceUrl: `${baseUrl}/argonaut/api/v1`,
      boardServiceUrl: `${baseUrl}/board/api/v1`,
    },
  })
})

test('a registration without a body will do, one with a wrong member will not', async () => {
  assert.equal((await world.ask('POST', DEVICES, { token: 'bob' })).status, 200)
  const answer = await world.ask('POST', DEVICES, { token: 'bob', body: { deviceType: 7 } })
  assert.equal(answer.body['code'], 'core.body-invalid')
  assert.equal(answer.body['about'], 'deviceType')
})

test('a device is read, refreshed and removed by its user', async () => {
  const { url } = await world.register('alice')
  assert.equal((await world.ask('GET', url, { token: 'alice' })).body['url'], url)
  assert.equal((await world.ask('PUT', url, { token: 'alice', body: {} })).body['url'], url)
  assert.equal((await world.ask('DELETE', url, { token: 'alice' })).status, 204)
  assert.equal((await world.ask('PUT', url, { token: 'alice', body: {} })).status, 404)
})

test('a device of somebody else is as unknown as one that never was', async () => {
  const { url } = await world.register('alice')
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await world.ask(method, url, { token: 'bob' })
    assert.equal(answer.status, 404)
    assert.equal(answer.body['code'], 'core.unknown-device')
  }
  const listed = await world.ask('GET', DEVICES, { token: 'bob' })
  assert.equal(listed.text.includes(url), false)
})

test('devices survive a restart', async () => {
  const { url } = await world.register('alice')
  await world.restart()
  assert.equal((await world.ask('GET', url, { token: 'alice' })).status, 200)
})

test('beyond the limit the stalest device goes, and its socket with it', async () => {
  const token = 'gina'
  const first = await world.register(token)
  const mercury = await listenAs(first.webSocketUrl, { ca: world.authority.ca, token })
  for (let n = 0; n < 3; n += 1) {
    world.pass(10)
    await world.register(token)
  }
  assert.equal(await mercury.closed, 1000)
  assert.equal((await world.ask('GET', first.url, { token })).status, 404)
})
