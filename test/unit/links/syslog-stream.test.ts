import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { createSyslogStream, type SyslogStreamOptions } from '../../../src/links/index.ts'
import { seconds } from '../../../src/time.ts'
import { AUTHORITY, aClient, aServer, FOREIGN_AUTHORITY } from '../../support/log-certificates.ts'

const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  for (const server of servers.splice(0)) server.close()
})

const listening = async (server: Server): Promise<number> => {
  servers.push(server)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const target = (port: number, change: Partial<SyslogStreamOptions> = {}) =>
  createSyslogStream({
    host: '127.0.0.1',
    port,
    framing: 'newline',
    concludeAfter: seconds(10),
    giveUpAfter: seconds(5),
    ...change,
  })

/** A server that reads to the end and then ends too, as servers do. */
const aReader = () => {
  const received: Buffer[] = []
  const server = createServer((socket) => socket.on('data', (chunk) => received.push(chunk)))
  return { server, text: () => Buffer.concat(received).toString() }
}

const code = (expected: string) => ({ name: 'Fault', code: expected })

describe('syslog over TCP', () => {
  test('counts octets, not letters', async () => {
    const { server, text } = aReader()
    const line = await target(await listening(server), { framing: 'octet-counting' }).open()
    await line.write(['<1>1 a', 'ü☃'])
    await line.conclude()
    assert.equal(text(), '6 <1>1 a5 ü☃')
  })

  test('ends each message with a line end, and none has one inside', async () => {
    const { server, text } = aReader()
    const line = await target(await listening(server)).open()
    await line.write(['one', 'two\r\n<1>1 forged'])
    await line.conclude()
    assert.equal(text(), 'one\ntwo <1>1 forged\n')
  })

  test('delivers nothing to a server that closes with bytes unread', async () => {
    // After we have ended our side: its system answers our end with a reset, because bytes lie unread.
    const server = createServer({ pauseOnConnect: true }, (socket) =>
      setTimeout(() => socket.destroy(), 800),
    )
    const line = await target(await listening(server)).open()
    await assert.rejects(async () => {
      await line.write(['lost'])
      await line.conclude()
    }, code('links.ship-lost'))
  })

  test('delivers nothing to a server that ends by itself before we do', async () => {
    const server = createServer((socket) => {
      socket.resume()
      socket.end()
    })
    const line = await target(await listening(server)).open()
    await assert.rejects(async () => {
      await line.write(['perhaps'])
      await line.conclude()
    }, code('links.ship-lost'))
  })

  test('gives up a server that never reads, while writing or at the end', async () => {
    const server = createServer({ pauseOnConnect: true })
    const port = await listening(server)
    const impatient = { giveUpAfter: seconds(0.2) }
    const writing = await target(port, impatient).open()
    const lines = Array.from({ length: 1000 }, () => 'x'.repeat(16_384))
    await assert.rejects(writing.write(lines), code('links.ship-stalled'))
    writing.abandon()
    const ending = await target(port, impatient).open()
    await ending.write(['small'])
    await assert.rejects(ending.conclude(), code('links.ship-stalled'))
    ending.abandon()
  })

  test('says that nobody listens', async () => {
    const { server } = aReader()
    const port = await listening(server)
    server.close()
    await assert.rejects(target(port).open(), code('links.ship-unreachable'))
  })
})

describe('syslog over TLS', () => {
  const own = aServer(['logs.acme.example'])
  const client = aClient()
  const identity = { certificatePem: client.certificatePem, keyPem: client.keyPem }

  const serve = async (credential: typeof own, options: TlsOptions = {}) => {
    const received: Buffer[] = []
    const server = createTlsServer(
      { cert: credential.certificatePem, key: credential.keyPem, ...options },
      (socket: TLSSocket) => {
        socket.on('error', () => undefined)
        socket.on('data', (chunk) => received.push(chunk))
      },
    )
    return { port: await listening(server), text: () => Buffer.concat(received).toString() }
  }
  const tls = (serverName = 'logs.acme.example', more: object = {}) => ({
    tls: { caPem: AUTHORITY.certificatePem, serverName, ...more },
  })
  const mutual: TlsOptions = {
    requestCert: true,
    rejectUnauthorized: true,
    ca: AUTHORITY.certificatePem,
  }

  test('shows who we are to a server that asks, and delivers', async () => {
    const { port, text } = await serve(own, mutual)
    const line = await target(port, tls(undefined, { identity })).open()
    await line.write(['sealed'])
    await line.conclude()
    assert.equal(text(), 'sealed\n')
  })

  test('delivers nothing where we are asked who we are and do not say', async () => {
    const { port, text } = await serve(own, mutual)
    await assert.rejects(async () => {
      const line = await target(port, tls()).open()
      await line.write(['secret'])
      await line.conclude()
    }, code('links.ship-lost'))
    assert.equal(text(), '')
  })

  test('refuses a server of another authority', async () => {
    const { port } = await serve(aServer(['logs.acme.example'], FOREIGN_AUTHORITY))
    await assert.rejects(target(port, tls()).open(), code('links.ship-untrusted'))
  })

  test('refuses another name, a wildcard, and a name that is only the common name', async () => {
    const wrong = code('links.ship-wrong-name')
    for (const names of [['other.acme.example'], ['*.acme.example'], []]) {
      const { port } = await serve(aServer(names))
      await assert.rejects(target(port, tls()).open(), wrong, `${names}`)
    }
  })

  test('knows a server by its address where that is its name', async () => {
    const { port, text } = await serve(own)
    const line = await target(port, tls('127.0.0.1')).open()
    await line.write(['here'])
    await line.conclude()
    assert.equal(text(), 'here\n')
    await assert.rejects(target(port, tls('127.0.0.2')).open(), code('links.ship-wrong-name'))
  })

  test('refuses TLS 1.1', async () => {
    const old: TlsOptions = {
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    }
    const { port } = await serve(own, old)
    await assert.rejects(target(port, tls()).open(), code('links.ship-untrusted'))
  })
})
