import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { browserTransport, ClientError, type ClientTransport } from '../../src/client/index.ts'
import { nodeTransport } from '../../src/client/node.ts'
import { makeTls } from '../unit/links/identity-world.ts'

const tls = makeTls()
const transport = nodeTransport({ caPem: tls.caPem })
const server: Server = createServer({ key: tls.keyPem, cert: tls.certificatePem })
const sockets = new WebSocketServer({ server })
let port = 0

before(async () => {
  server.on('request', (request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      if (request.url === '/moved') response.setHeader('location', '/')
      response.writeHead(request.url === '/moved' ? 302 : 200)
      response.end(`${request.method} ${request.headers.authorization} ${body}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  port = address.port
})

after(async () => {
  transport.close()
  sockets.close()
  for (const socket of sockets.clients) socket.terminate()
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
})

const hasCode = (code: string) => (error: unknown) =>
  error instanceof ClientError && error.code === code
const get = (path = '/') =>
  ({ method: 'GET', url: `https://127.0.0.1:${port}${path}`, headers: {} }) as const

test('an exchange carries method, headers and body, and follows no redirect', async () => {
  const answer = await transport.exchange({
    method: 'POST',
    url: `https://127.0.0.1:${port}/`,
    headers: { authorization: 'Bearer t' },
    body: '{"ü":1}',
  })
  assert.deepEqual(answer, { status: 200, body: 'POST Bearer t {"ü":1}' })
  assert.equal((await transport.exchange(get('/moved'))).status, 302)
})

test('a server of another authority is not spoken to', async () => {
  for (const other of [nodeTransport(), browserTransport()]) {
    await assert.rejects(other.exchange(get()), hasCode('client.unreachable'))
  }
})

test('tokens travel encrypted or not at all', async () => {
  for (const one of [transport, browserTransport()]) {
    const plain = { ...get(), url: `http://127.0.0.1:${port}/` }
    // A throw and a rejection are both a "no" here.
    await assert.rejects(async () => one.exchange(plain), hasCode('client.invalid-argument'))
    assert.throws(
      () => one.openSocket(`ws://127.0.0.1:${port}/`, ignoring),
      hasCode('client.invalid-argument'),
    )
  }
})

test('a socket opens, carries text both ways and says why it closed', async () => {
  const accepted = new Promise<WebSocket>((resolve) => sockets.once('connection', resolve))
  const { texts, closed, socket } = listen(transport)
  const peer = await accepted
  const heard = new Promise<string>((resolve) =>
    peer.once('message', (data) => resolve(String(data))),
  )
  peer.send('from the core')
  socket.send('from the client')
  assert.equal(await heard, 'from the client')
  peer.close(4401)
  assert.equal(await closed, 4401)
  assert.deepEqual(texts, ['from the core'])
})

test('a socket that cannot be opened says so once', async () => {
  assert.equal(await listen(nodeTransport()).closed, 1006)
})

const ignoring = { onOpen: () => undefined, onText: () => undefined, onClose: () => undefined }

/** Sends once it is open. */
function listen(over: ClientTransport) {
  const texts: string[] = []
  let opened: () => void = () => undefined
  const isOpen = new Promise<void>((resolve) => {
    opened = resolve
  })
  let close: (code: number) => void = () => undefined
  const closed = new Promise<number>((resolve) => {
    close = resolve
  })
  const raw = over.openSocket(`wss://127.0.0.1:${port}/`, {
    onOpen: () => opened(),
    onText: (text) => texts.push(text),
    onClose: (code) => close(code),
  })
  return {
    texts,
    closed,
    socket: { send: (text: string) => void isOpen.then(() => raw.send(text)) },
  }
}
