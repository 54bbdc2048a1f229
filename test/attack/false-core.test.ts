// Somebody else listens where the core should be: the realm says nothing to them, not even hello.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { Fault } from '../../src/fault.ts'
import { makeTestCertificates } from '../support/certificates.ts'
import { dialFrom, openPort, type Port } from '../support/hostile-core.ts'
import { World } from '../support/world.ts'

let world: World
before(async () => {
  world = await World.open()
})
after(() => world.close())

const authority = makeTestCertificates()

/** Waits until the realm has tried three times; it never came as far as a hello. */
const getsNothing = async (port: Port): Promise<void> => {
  let isGreeted = false
  void port.nextLine().then(() => {
    isGreeted = true
  })
  const link = dialFrom(world, { url: port.url, authority })
  while (port.connections() < 3) await setTimeout(10)
  assert.equal(link.isUp(), false)
  await link.close()
  assert.equal(isGreeted, false)
  await port.close()
}

test('a core whose certificate is of another authority gets no hello', async () => {
  const credential = makeTestCertificates().server()
  await getsNothing(await openPort({ authority, credential }))
})

test('a core whose certificate carries another name gets no hello', async () => {
  for (const name of ['core.example', 'localhost.example', '*']) {
    await getsNothing(await openPort({ authority, credential: authority.server([name]) }))
  }
})

test('a realm’s own certificate does not make a core', async () => {
  const credential = authority.client('kms.acme.example')
  await getsNothing(await openPort({ authority, credential }))
})

test('a core without TLS is never dialled', async () => {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `ws://localhost:${port}`
  assert.throws(
    () => dialFrom(world, { url, authority }),
    (error) => error instanceof Fault && error.code === 'link.not-wss',
  )
  sockets.close()
  server.close()
})

test('a core that does not welcome the realm gets no answer to what it asks', async () => {
  const port = await openPort({ authority, isWelcoming: false })
  const link = dialFrom(world, { url: port.url, authority })
  const line = await port.nextLine()
  assert.equal(link.isUp(), false)
  line.sayText(
    JSON.stringify({
      type: 'messages',
      id: 'x',
      sync: false,
      httpUser: '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
      trackingId: 't',
      kmsMessages: ['x'],
    }),
  )
  assert.equal(await line.closed, 4400)
  await link.close()
  await port.close()
})

const IMPATIENT = { connectWithinMs: 200, pingEveryMs: 100, closeWithinMs: 200 }

/** Waits until the realm has dialled that often, on a line that it gave up each time. */
const isGivenUp = async (url: string, connections: () => number): Promise<void> => {
  const link = dialFrom(world, { url, authority, times: IMPATIENT })
  while (connections() < 3) await setTimeout(10)
  await link.close()
}

test('a core that stalls before TLS is given up', async () => {
  let connections = 0
  const server = createTcpServer((socket) => {
    connections += 1
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await isGivenUp(`wss://localhost:${port}`, () => connections)
  server.close()
})

test('a core that never welcomes is given up', async () => {
  const port = await openPort({ authority, isWelcoming: false })
  await isGivenUp(port.url, port.connections)
  await port.close()
})

test('a core that welcomes and then is deaf is given up', async () => {
  const port = await openPort({ authority, isAlive: false })
  await isGivenUp(port.url, port.connections)
  await port.close()
})
