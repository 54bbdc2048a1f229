// Whoever connects and dawdles is cut off: at the core's ports here; at the realm's own listeners in
// test/unit/listeners/server.test.ts; slow heads and bodies at the core also in test/system/core/http.test.ts.

import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { type CoreWorld, openCoreWorld } from '../system/core/world.ts'

const HEADERS_WITHIN_MS = 300
/** The core's own limit for TLS, and a margin for a busy machine. */
const TLS_WITHIN_MS = 10_000
const MARGIN_MS = 10_000

let world: CoreWorld
before(async () => {
  const limits = { headersWithinMs: HEADERS_WITHIN_MS, mercuryAuthorizeWithinMs: 300 }
  world = await openCoreWorld({ limits })
})
after(() => world.close())

const ports = () => [world.core.port, world.core.linkPort]

/** Resolves with how long it took until the other side hung up. */
const untilCut = async (socket: Socket): Promise<number> => {
  const startedAt = performance.now()
  socket.on('error', () => undefined)
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
  return performance.now() - startedAt
}

const areCut = async (sockets: readonly Socket[], withinMs: number): Promise<void> => {
  const cut = await Promise.all(sockets.map(untilCut))
  assert.ok(Math.max(...cut) < withinMs + MARGIN_MS, `cut after ${Math.max(...cut)} ms`)
}

test('fifty connections that never begin TLS are cut, and others are served meanwhile', async () => {
  const silent = ports().flatMap((port) =>
    Array.from({ length: 25 }, () => connectTcp({ port, host: '127.0.0.1' })),
  )
  const cut = areCut(silent, TLS_WITHIN_MS)
  const { status } = await world.ask('GET', '/wdm/api/v1/devices', { token: 'alice' })
  assert.equal(status, 200)
  await cut
})

test('connections that dribble their head, however busily, are cut', async () => {
  const { authority } = world
  const dribble = ports().map((port) => {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: authority.ca,
      ...authority.client('kms.acme.example'),
    })
    const timer = setInterval(() => socket.writable && socket.write('x'), 20)
    socket.on('close', () => clearInterval(timer))
    return socket.on('secureConnect', () => socket.write('GET /link HTTP/1.1\r\nhost: x\r\nx-'))
  })
  await areCut(dribble, HEADERS_WITHIN_MS + 2000)
})
