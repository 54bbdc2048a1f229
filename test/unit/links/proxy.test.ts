// Everything outbound goes through the proxy that the settings name, with TLS end to end inside; what it refuses is
// told apart; and hosts that are excepted never see it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { generateKeyPem, issueCertificate } from '../../../scripts/dev/certs/issue.ts'
import { SecretBytes } from '../../../src/crypto/index.ts'
import { parsePeerDomain } from '../../../src/federation/index.ts'
import { dialCore } from '../../../src/links/core-line.ts'
import {
  createIdentityProvider,
  createSyslogStream,
  dialPeer,
  type HttpProxy,
  isThroughProxy,
  openTunnel,
  witnessAt,
} from '../../../src/links/index.ts'
import { instant, milliseconds, seconds } from '../../../src/time.ts'
import { type ConnectProxy, type ProxyWishes, startProxy } from '../../support/connect-proxy.ts'

const names = { commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
const root = { kind: 'root', commonName: 'Test', dnsNames: [], ipAddresses: [] } as const
const caKey = generateKeyPem()
const ca = { certificatePem: issueCertificate(root, caKey), keyPem: caKey }
const key = generateKeyPem()
const cert = issueCertificate({ kind: 'tls-server', ...names }, key, ca)

const server = createServer({ key, cert })
const sink = createTlsServer({ key, cert })
let [httpsPort, sinkPort] = [0, 0]
const upgrades: string[] = []
const portOf = (address: unknown): number => Number(Object(address).port)

before(async () => {
  server.on('request', (request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [], path: request.url }))
  })
  server.on('upgrade', (request, socket) => {
    upgrades.push(request.headers.upgrade ?? '')
    socket.end('HTTP/1.1 403 No\r\n\r\n')
  })
  sink.on('secureConnection', (socket) => socket.resume().on('end', () => socket.end()))
  server.listen(0, '127.0.0.1')
  sink.listen(0, '127.0.0.1')
  await Promise.all([once(server, 'listening'), once(sink, 'listening')])
  httpsPort = portOf(server.address())
  sinkPort = portOf(sink.address())
})
after(() => {
  server.closeAllConnections()
  server.close()
  sink.close()
})

const PASSWORD = 'päss:word'
const through = (proxy: ConnectProxy, changes: Partial<HttpProxy> = {}): HttpProxy => ({
  url: `http://127.0.0.1:${proxy.port}`,
  except: [],
  ...changes,
})
const credentials = {
  user: 'realm',
  password: SecretBytes.from(new TextEncoder().encode(PASSWORD)),
}

/** A tunnel's first end of TLS: proof that nobody in between spoke. */
const speak = async (proxy: HttpProxy): Promise<string> => {
  const socket = await openTunnel(proxy, { host: 'localhost', port: sinkPort }, 5000)
  const tls = connectTls({ socket, ca: ca.certificatePem, servername: 'localhost' })
  await once(tls, 'secureConnect')
  const name = tls.getPeerX509Certificate()?.subjectAltName ?? ''
  tls.destroy()
  return name
}

const withProxy = async (
  wishes: ProxyWishes,
  work: (proxy: ConnectProxy) => Promise<void>,
): Promise<void> => {
  const proxy = await startProxy(wishes)
  try {
    await work(proxy)
  } finally {
    proxy.close()
  }
}

describe('a tunnel', () => {
  test('leads through a plain proxy, with TLS inside', () =>
    withProxy({}, async (proxy) => {
      assert.match(await speak(through(proxy)), /localhost/)
      assert.deepEqual(proxy.tunnels, [`localhost:${sinkPort}`])
    }))

  test('leads through a proxy that speaks TLS itself, if its authority is trusted', () =>
    withProxy({ tls: { key, cert } }, async (proxy) => {
      const url = `https://localhost:${proxy.port}`
      assert.match(await speak(through(proxy, { url, caPem: ca.certificatePem })), /localhost/)
      await assert.rejects(speak(through(proxy, { url })), { code: 'links.proxy-unreachable' })
    }))

  test('signs in, in UTF-8; without or with other credentials the failure says so', () =>
    withProxy({ credentials: `realm:${PASSWORD}` }, async (proxy) => {
      assert.match(await speak(through(proxy, { credentials })), /localhost/)
      await assert.rejects(speak(through(proxy)), { code: 'links.proxy-credentials' })
      assert.equal(proxy.refused, 1)
    }))

  test('that the proxy does not let through is told apart from a proxy that is not there', async () => {
    await withProxy({ status: 403 }, async (proxy) => {
      await assert.rejects(speak(through(proxy)), { code: 'links.proxy-refused' })
    })
    const gone = await startProxy()
    gone.close()
    await assert.rejects(speak(through(gone)), { code: 'links.proxy-unreachable' })
  })
})

test('hosts are excepted by name or with everything below a domain', () => {
  const proxy = { url: 'http://proxy', except: ['core.example', '.intern.example'] }
  const direct = ['core.example', 'CORE.example', 'id.intern.example']
  for (const host of direct) assert.equal(isThroughProxy(proxy, host), false, host)
  const others = ['x.core.example', 'intern.example', 'evilintern.example', 'example']
  for (const host of others) assert.equal(isThroughProxy(proxy, host), true, host)
})

const CLOCK = {
  now: () => instant(Date.now()),
  wait: async (ms: number) => void (await sleep(ms, undefined, { ref: false })),
}

const askKeys = async (proxy: HttpProxy) => {
  const provider = createIdentityProvider({
    providers: [
      {
        issuer: `https://localhost:${httpsPort}`,
        jwksUri: `https://localhost:${httpsPort}/keys`,
        caPem: ca.certificatePem,
      },
    ],
    proxy,
    clock: CLOCK,
  })
  const issuer = `https://localhost:${httpsPort}`
  const found = await provider.keysFor({ issuer, kid: 'k', within: seconds(4) })
  provider.close()
  return found
}

describe('through the proxy goes', () => {
  test('what is asked of identity providers', () =>
    withProxy({ credentials: `realm:${PASSWORD}` }, async (proxy) => {
      await askKeys(through(proxy, { credentials }))
      assert.deepEqual(proxy.tunnels, [`localhost:${httpsPort}`])
      await askKeys(through(proxy, { credentials, except: ['localhost'] }))
      assert.equal(proxy.tunnels.length, 1, 'an exception is reached directly')
    }))

  test('what is asked of witnesses', () =>
    withProxy({}, async (proxy) => {
      const url = `https://localhost:${httpsPort}`
      const ask = witnessAt({ url, caPem: ca.certificatePem, proxy: through(proxy) })
      assert.equal(Object(await ask('old 0\n')).status, 200)
      assert.deepEqual(proxy.tunnels, [`localhost:${httpsPort}`])
    }))

  test('the line to the core', () =>
    withProxy({}, async (proxy) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      dialCore({
        url: `wss://localhost:${httpsPort}/link`,
        tls: { ca: ca.certificatePem, cert, key },
        proxy: through(proxy),
        times: { connectWithinMs: 5000, pingEveryMs: 5000 },
        backlogBytes: 1000,
        hello: () => assert.fail('nobody welcomes it here'),
        onWelcome: () => undefined,
        onFrame: () => undefined,
        onData: () => undefined,
        onEnd: () => resolve(),
      })
      await promise
      assert.deepEqual(upgrades, ['websocket'])
      assert.deepEqual(proxy.tunnels, [`localhost:${httpsPort}`])
    }))

  test('syslog over TLS', () =>
    withProxy({}, async (proxy) => {
      const target = createSyslogStream({
        host: 'localhost',
        port: sinkPort,
        framing: 'octet-counting',
        tls: { caPem: ca.certificatePem, serverName: 'localhost' },
        proxy: through(proxy),
        concludeAfter: seconds(1),
        giveUpAfter: seconds(5),
      })
      const shipment = await target.open()
      await shipment.write(['hello'])
      await shipment.conclude()
      assert.deepEqual(proxy.tunnels, [`localhost:${sinkPort}`])
    }))

  test('the direct way to a peer', () =>
    withProxy({}, async (proxy) => {
      const domain = parsePeerDomain('kms.globex.example')
      assert.ok(domain !== undefined)
      const direct = new Map([['kms.globex.example', { host: 'localhost', port: sinkPort }]])
      const way = await dialPeer({ direct, proxy: through(proxy) }, domain, milliseconds(5000))
      assert.ok('raw' in way)
      way.raw.destroy()
      assert.deepEqual(proxy.tunnels, [`localhost:${sinkPort}`])
    }))
})
