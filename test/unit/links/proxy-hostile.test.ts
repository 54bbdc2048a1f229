// A proxy that answers anything but what it should: each time one Fault with its own code, within the time that was given,
// and the password in none of it. What it says before TLS begins is no answer of the target.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { createAgent, type HttpProxy, openTunnel } from '../../../src/links/proxy.ts'

const PASSWORD = 'canary-password-5d1f'
const WITHIN_MS = 700
const sockets = new Set<Socket>()
const closing: (() => void)[] = []
after(() => {
  for (const socket of sockets) socket.destroy()
  for (const close of closing) close()
})

/** Writes again and again, until nobody listens. */
const forEver = (socket: Socket, text: string, everyMs: number): void => {
  const timer = setInterval(() => socket.write(text), everyMs)
  socket.on('close', () => clearInterval(timer))
}

const proxyThat = async (answers: (socket: Socket) => void): Promise<HttpProxy> => {
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    socket.once('data', () => answers(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const credentials = { user: 'kms', password: { expose: () => Buffer.from(PASSWORD) } }
  const url = `http://127.0.0.1:${Object(server.address()).port}`
  return { url, credentials, except: [] }
}

const target = { host: 'core.example', port: 443 }
const none = 'HTTP/1.1 '

const ANSWERS: readonly (readonly [string, string, (socket: Socket) => void])[] = [
  ['noise', 'unreachable', (socket) => socket.end('\0\x01 no proxy\r\n\r\n')],
  ['nothing, and closes', 'unreachable', (socket) => socket.destroy()],
  ['nothing', 'unreachable', () => undefined],
  ['half a status line', 'unreachable', (socket) => socket.write(`${none}200 OK\r\n`)],
  [
    'a 407 with headers without end',
    'unreachable',
    (socket) => {
      socket.write(`${none}407 No\r\n`)
      forEver(socket, `x: ${'y'.repeat(8000)}\r\n`, 1)
    },
  ],
  [
    'headers one by one',
    'unreachable',
    (socket) => {
      socket.write(`${none}200 OK\r\n`)
      forEver(socket, 'x: y\r\n', 20)
    },
  ],
  [
    'a 407 with a body without end',
    'credentials',
    (socket) => {
      socket.write(
        `${none}407 No\r\nproxy-authenticate: NTLM\r\ntransfer-encoding: chunked\r\n\r\n`,
      )
      forEver(socket, `1000\r\n${'z'.repeat(4096)}\r\n`, 1)
    },
  ],
  ['a redirect', 'refused', (socket) => socket.end(`${none}302 No\r\nlocation: http://x/\r\n\r\n`)],
  ['another success', 'refused', (socket) => socket.end(`${none}204 No\r\n\r\n`)],
  [
    'another protocol',
    'refused',
    (socket) => socket.end(`${none}101 No\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n`),
  ],
]

describe('a proxy that answers', () => {
  for (const [what, code, answers] of ANSWERS) {
    test(`${what} is a fault, links.proxy-${code}`, { timeout: 10_000 }, async () => {
      const error = await openTunnel(await proxyThat(answers), target, WITHIN_MS).then(
        () => assert.fail('a tunnel'),
        (refusal: unknown) => refusal,
      )
      assert.equal(Object(error).code, `links.proxy-${code}`)
      const shown = inspect(error, { depth: 10, showHidden: true })
      const basic = Buffer.from(`kms:${PASSWORD}`).toString('base64')
      assert.ok(!shown.includes(PASSWORD) && !shown.includes(basic))
    })
  }

  test('for the target before TLS begins is not believed', { timeout: 10_000 }, async () => {
    const answer = `${none}200 OK\r\ncontent-length: 2\r\n\r\n{}`
    const proxy = await proxyThat((socket) => socket.write(`${none}200 OK\r\n\r\n${answer}`))
    const asking = request({ ...target, agent: createAgent(proxy, {}) })
    asking.on('response', () => assert.fail('answered in plain text'))
    asking.end()
    const [error] = await once(asking, 'error')
    assert.match(String(Object(error).code), /^(?:ERR_SSL|EPROTO)/)
  })
})

test('a host that is none is asked of nobody', async () => {
  let asked = 0
  const proxy = await proxyThat(() => {
    asked += 1
  })
  for (const host of [
    'a.example\r\nx: y',
    'a b',
    'a.example:80/',
    '[::1]',
    '@x',
    'a/../b',
    '',
    'ä.example',
  ]) {
    await assert.rejects(openTunnel(proxy, { host, port: 443 }, WITHIN_MS), {
      code: 'links.proxy-target',
    })
  }
  assert.equal(asked, 0)
})
