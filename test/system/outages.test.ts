// Parts of a whole world die, are cut off or go away, and come back: sessions go on, requests are answered late instead
// of never, and nothing that was acknowledged is lost. Real processes, real sockets, SQLite.

import assert from 'node:assert/strict'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { systemClock } from '../../src/client/index.ts'
import { ownKeyPair } from '../support/device.ts'
import { remoteDevice } from '../support/remote-device.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { anyStoreTests } from './any-store.ts'
import { areRecorded, areStillThere, askEverything, createKeysDuring, until } from './flow.ts'

const HOUR_MS = 3_600_000

/** Stands between realm and core, and carries their TLS as it is. */
interface Wire {
  port: number
  cut(): void
  mend(): Promise<void>
  close(): void
}

const openWire = async (toPort: () => number): Promise<Wire> => {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)))
  }
  const cut = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  const listen = (port: number): Promise<Server> =>
    new Promise((resolve) => {
      const opened = createServer((near) => {
        const far = connect(toPort(), '127.0.0.1')
        for (const socket of [near, far]) keep(socket)
        near.pipe(far).pipe(near)
      })
      opened.listen(port, '127.0.0.1', () => resolve(opened))
    })
  let server = await listen(0)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    cut,
    async mend() {
      server = await listen(port)
    },
    close: cut,
  }
}

let world: RunningWorld
let wire: Wire
let linkPort = 0
before(async () => {
  wire = await openWire(() => linkPort)
  world = await startRunningWorld({
    realm: (plan) => {
      linkPort = plan.core.linkPort
      return { core: { linkUrl: `wss://127.0.0.1:${wire.port}` } }
    },
    // The core must not need the identity provider in the minutes that this takes.
    core: { identity: { believedForMs: 300_000 } },
  })
})
after(async () => {
  await world?.close()
  wire.close()
})

const isReady = async (): Promise<boolean> =>
  (await world.page(world.acme.healthPort, '/readyz')).status === 200
const guests = anyStoreTests(() => world)
const pingStatus = async () => (await guests().remote.device.ask('update', '/ping'))['status']

test('a client renews its session again and again while it asks, and no request is lost', async () => {
  let aheadMs = 0
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
  const bob = await world.client('bob', { clock })
  const sessionsMade = async () => {
    const made = (await world.entries()).filter(({ action }) => action === 'session.created')
    return made.length
  }
  await bob.ping()
  const before = await sessionsMade()
  for (let renewals = 1; renewals <= 3; renewals += 1) {
    // A little over four fifths of what the client thinks is left of the session's hour.
    aheadMs += (HOUR_MS - aheadMs) * 0.81
    const keys = await createKeysDuring(bob, 10, () => Promise.resolve())
    await areStillThere(bob, keys)
    await until('the session is renewed', async () => (await sessionsMade()) === before + renewals)
  }
})

test('requests that were sent while the link was down are answered when it is up', async () => {
  wire.cut()
  await until('the line is down', async () => !(await isReady()))
  const asked = Promise.all([pingStatus(), guests().alice.ping()])
  await wire.mend()
  assert.equal((await asked)[0], 200)
})

test('a link that is cut again and again loses no request', async () => {
  const keys = await createKeysDuring(guests().alice, 40, async () => {
    for (let n = 0; n < 4; n += 1) {
      wire.cut()
      await wire.mend()
      await until('the line is up', isReady)
    }
  })
  await areStillThere(guests().alice, keys)
  await areRecorded(world, keys)
})

test('a core that is killed comes back, and sessions go on', async () => {
  const keys = await createKeysDuring(guests().alice, 20, () => world.core.restart())
  await until('the line is up', isReady)
  await guests().remote.reconnect()
  assert.equal(await pingStatus(), 200)
  await areStillThere(guests().alice, keys)
  await areRecorded(world, keys)
})

test('without its identity provider a realm is silent to a handshake and answers 503 in sessions, until it is back', async () => {
  await world.provider.stop()
  await world.realm.restart()
  const phone = await remoteDevice(world, 'alice', { answersWithinMs: 8000 })
  const handshake = await phone.device.sealHandshake(phone.device.handshakeRequest(ownKeyPair()))
  const [silence, asked] = await Promise.all([
    phone.device.post([handshake]),
    guests().remote.device.ask('update', '/ping'),
  ])
  assert.deepEqual(silence, [])
  assert.equal(asked['status'], 503)
  const codes = (await world.entries()).slice(-3).map(({ code }) => code)
  assert.equal(codes.filter((code) => code === 'identity.provider-unavailable').length, 2)
  await world.provider.start()
  await until('the session works', async () => (await pingStatus()) === 200)
  assert.equal((await phone.device.shake())['status'], 201)
  phone.close()
})

test('requests of many devices through one post each, at once, are each answered to their own', async () => {
  const devices = await Promise.all(
    ['alice', 'bob', 'carol', 'olivia'].flatMap((name) => [
      remoteDevice(world, name),
      remoteDevice(world, name),
    ]),
  )
  await Promise.all(devices.map(({ device }) => device.shake()))
  await Promise.all(devices.map((one) => askEverything(one, world.user('adam').id)))
  for (const one of devices) one.close()
})
