import assert from 'node:assert/strict'
import { get } from 'node:https'
import { describe, test } from 'node:test'
import { generateKeyPem, issueCertificate } from '../../../scripts/dev/certs/issue.ts'
import { createApp } from '../../../src/listeners/app.ts'
import { createListener } from '../../../src/listeners/index.ts'
import { silentLog } from '../../../src/runtime/index.ts'
import { milliseconds } from '../../../src/time.ts'
import { appOptions, dial, dribble, limits, serve } from './world.ts'

const anApp = () => {
  const app = createApp(appOptions().options)
  app.get('/', (asked) => asked.text('here'))
  app.post('/', async (asked) => asked.text(`${(await asked.req.arrayBuffer()).byteLength}`))
  return app
}

const quick = { headersWithin: milliseconds(200), requestWithin: milliseconds(400) }

// A client that dawdles must be gone in well under this; the limits above are far below it.
const DAWDLE = { timeout: 8000 }

describe('a listener', () => {
  test('answers, and stops', async () => {
    const listener = await serve(anApp())
    const answer = await fetch(listener.url())
    assert.equal(await answer.text(), 'here')
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    const url = listener.url()
    await listener.stop()
    await assert.rejects(fetch(url))
    assert.throws(() => listener.url(), { code: 'listeners.not-started' })
    await listener.stop()
  })

  test('says so when its port is taken', async () => {
    const first = await serve(anApp())
    const port = Number(new URL(first.url()).port)
    const second = createListener({
      name: 'second',
      host: '127.0.0.1',
      port,
      app: anApp(),
      limits: limits(),
      log: silentLog,
    })
    await assert.rejects(second.start(), { code: 'EADDRINUSE' })
    await first.stop()
  })

  test('waits for answers in progress when it stops, but not for ever', async () => {
    const app = anApp()
    const [entered, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    app.get('/slow', async (asked) => {
      entered.resolve()
      await release.promise
      return asked.text('late')
    })
    app.get('/never', () => new Promise<Response>(() => undefined))
    const listener = await serve(app, { stopWithin: milliseconds(300) })
    const never = fetch(`${listener.url()}/never`).catch(() => 'cut')
    const late = fetch(`${listener.url()}/slow`)
    await entered.promise
    const stopped = listener.stop()
    release.resolve()
    assert.equal(await (await late).text(), 'late')
    await stopped
    assert.equal(await never, 'cut')
  })
})

describe('a client that dawdles', () => {
  test('with nothing at all is cut off', DAWDLE, async () => {
    const listener = await serve(anApp(), quick)
    const { closed } = await dial(listener)
    await closed
    await listener.stop()
  })

  test('with its headers is cut off however busily it dribbles', DAWDLE, async () => {
    const listener = await serve(anApp(), quick)
    const { socket, closed, received } = await dial(listener)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
    const stop = dribble(socket, 'X-A: b\r\n')
    await closed
    stop()
    assert.match(received(), /^HTTP\/1\.1 408 /)
    await listener.stop()
  })

  test('with its body is cut off however busily it dribbles', DAWDLE, async () => {
    const listener = await serve(anApp(), quick)
    const { socket, closed } = await dial(listener)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n')
    const stop = dribble(socket, 'a')
    await closed
    stop()
    await listener.stop()
  })

  test('does not keep others from being served', DAWDLE, async () => {
    const listener = await serve(anApp(), quick)
    const slow = await Promise.all(Array.from({ length: 20 }, () => dial(listener)))
    for (const { socket } of slow) socket.write('GET / HTTP/1.1\r\n')
    assert.equal((await fetch(listener.url())).status, 200)
    await Promise.all(slow.map(({ closed }) => closed))
    await listener.stop()
  })

  test('with its TLS handshake is cut off', DAWDLE, async () => {
    const listener = await serve(anApp(), quick, aCertificate())
    const { closed } = await dial(listener)
    await closed
    await listener.stop()
  })
})

describe('a client that hoards', () => {
  test('connections gets no more than its share', async () => {
    const listener = await serve(anApp(), { connectionsPerRemote: 2 })
    const kept = [await dial(listener), await dial(listener)]
    const third = await dial(listener)
    await third.closed
    kept[0]?.socket.destroy()
    await kept[0]?.closed
    const ask = async (): Promise<number> =>
      fetch(listener.url()).then(
        ({ status }) => status,
        () => ask(),
      )
    assert.equal(await ask(), 200, 'a closed connection frees its place')
    kept[1]?.socket.destroy()
    await listener.stop()
  })

  test('connections in all gets no more than there are', async () => {
    const listener = await serve(anApp(), { connections: 1 })
    const first = await dial(listener)
    const second = await dial(listener)
    await second.closed
    first.socket.destroy()
    await listener.stop()
  })

  test('header bytes is told 431', async () => {
    const listener = await serve(anApp())
    const { socket, closed, received } = await dial(listener)
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'b'.repeat(20_000)}\r\n\r\n`)
    await closed
    assert.match(received(), /^HTTP\/1\.1 431 /)
    await listener.stop()
  })

  test('body bytes is told 413, announced or not', async () => {
    const listener = await serve(anApp())
    const told = await fetch(listener.url(), { method: 'POST', body: 'x'.repeat(1025) })
    assert.equal(told.status, 413)
    assert.equal(Object(await told.json()).code, 'http.body-too-large')
    const stream = new Blob(['x'.repeat(600), 'x'.repeat(600)]).stream()
    const init = { method: 'POST', body: stream, duplex: 'half' } as const
    assert.equal((await fetch(listener.url(), init)).status, 413)
    const fits = await fetch(listener.url(), { method: 'POST', body: 'x'.repeat(1024) })
    assert.equal(await fits.text(), '1024')
    await listener.stop()
  })
})

describe('a client that talks nonsense', () => {
  test('is told 400 and cut off', async () => {
    const listener = await serve(anApp())
    for (const noise of ['\0\x01\x02\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'GET /\r\n\r\n']) {
      const { socket, closed, received } = await dial(listener)
      socket.end(noise, 'latin1')
      await closed
      assert.match(received(), /^HTTP\/1\.1 400 /)
    }
    await listener.stop()
  })
})

const aCertificate = () => {
  const key = generateKeyPem()
  const names = { commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
  return { certificate: issueCertificate({ kind: 'tls-server', ...names }, key), key }
}

test('a listener with a certificate serves TLS 1.3 and nothing older', async () => {
  const pems = aCertificate()
  const listener = await serve(anApp(), {}, pems)
  const ask = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { ca: pems.certificate, maxVersion, agent: false }
      get(listener.url(), options, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      }).once('error', reject)
    })
  assert.match(listener.url(), /^https:/)
  assert.equal(await ask('TLSv1.3'), 200)
  await assert.rejects(ask('TLSv1.2'))
  await listener.stop()
})
