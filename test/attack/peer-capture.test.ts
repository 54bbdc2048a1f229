// What a core can record of two realms that talk: TLS 1.3 records in both directions, and nothing else. The hellos name nobody.

import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { afterEach, describe, test } from 'node:test'
import { connect as connectTls, createServer } from 'node:tls'
import { decodeStreamData } from '../../src/boundary/index.ts'
import { isRefusal } from '../../src/refusal.ts'
import { ACME, GLOBEX, makePeerWorld } from '../support/peer-world.ts'
import { EXTENSION, readTlsStream, TLS_1_3, X25519_MLKEM768 } from '../support/tls-records.ts'

type World = Awaited<ReturnType<typeof makePeerWorld>>
const worlds: World[] = []
const open = async (...wishes: Parameters<typeof makePeerWorld>): Promise<World> => {
  const world = await makePeerWorld(...wishes)
  worlds.push(world)
  return world
}
afterEach(() => {
  for (const world of worlds.splice(0)) world.close()
})

const SECRET = 'a-key-that-no-cloud-may-read'

/** Every direction of every stream, whole. */
const recorded = ({ core }: World): ReadonlyMap<string, Buffer> => {
  const streams = new Map<string, Buffer>()
  for (const { to, message } of core.seen) {
    const data = decodeStreamData(message)
    assert.ok(data)
    const name = `${to} ${data.stream}`
    streams.set(name, Buffer.concat([streams.get(name) ?? Buffer.alloc(0), data.bytes]))
  }
  return streams
}

describe('a recording at the core', () => {
  test('parses as TLS 1.3 records and nothing else, in both directions', async () => {
    const world = await open({ globex: { server: { bodyBytes: 2 ** 20 } } })
    const { acme, globex } = world
    // One question, many at once in both directions, and one that is longer than any window.
    await acme.ask(GLOBEX, { key: SECRET })
    const there = Array.from({ length: 12 }, (_, n) => acme.ask(GLOBEX, { n, key: SECRET }))
    const back = Array.from({ length: 12 }, (_, n) => globex.ask(ACME, { n, key: SECRET }))
    const long = acme.ask(GLOBEX, { text: SECRET.repeat(20_000) })
    assert.ok((await Promise.all([...there, ...back, long])).every((one) => !isRefusal(one)))
    const all = [...recorded(world).values()]
    assert.ok(all.length >= 4 && all.length % 2 === 0, `${all.length} directions`)
    const kinds = new Set<string>()
    for (const bytes of all) {
      const { hello, types } = readTlsStream(bytes)
      kinds.add(hello.kind)
      assert.deepEqual([hello.versions, hello.groups.includes(X25519_MLKEM768)], [[TLS_1_3], true])
      if (hello.kind === 'server') assert.deepEqual(hello.groups, [X25519_MLKEM768])
      assert.ok(types.filter((type) => type === 23).length >= 3)
    }
    assert.deepEqual([...kinds].sort(), ['client', 'server'])
  })

  test('names nobody: no server name, no protocol, no session, no word of anything said', async () => {
    const world = await open()
    const reply = await world.acme.ask(GLOBEX, { key: SECRET })
    assert.ok(!isRefusal(reply))
    // No shorter ones: among enough random bytes they turn up by chance.
    const words = [SECRET, 'POST /', 'HTTP/', 'trackingid', 'example', 'issuer', 'globex']
    for (const bytes of recorded(world).values()) {
      const { hello } = readTlsStream(bytes)
      const { serverName, alpn, psk, earlyData } = EXTENSION
      for (const extension of [serverName, alpn, psk, earlyData]) {
        assert.ok(!hello.extensions.includes(extension), `extension ${extension}`)
      }
      assert.ok(hello.ciphers.every((one) => one >> 8 === 0x13 || one === 0x00ff))
      for (const word of words) {
        assert.ok(!bytes.toString('latin1').includes(word), `the core read ${word}`)
      }
    }
  })
})

describe('the reader of recordings', () => {
  /** What a TLS client and server say to each other, as bytes. */
  const spoken = async (options: {
    readonly maxVersion?: 'TLSv1.2'
    readonly servername?: string
  }) => {
    const world = await open()
    const { chainPem: cert, keyPem: key } = world.papers.globex.leaf
    const [ours, theirs] = duplexPair()
    const chunks: Buffer[] = []
    const answers: Buffer[] = []
    const server = createServer({ cert, key, minVersion: 'TLSv1.2' })
    server.on('tlsClientError', () => undefined)
    const [inner, outer] = duplexPair()
    ours.on('data', (chunk) => {
      chunks.push(chunk)
      inner.write(chunk)
    })
    inner.on('data', (chunk) => {
      answers.push(chunk)
      ours.write(chunk)
    })
    server.emit('connection', outer)
    const client = connectTls({ socket: theirs, rejectUnauthorized: false, ...options })
    await new Promise((resolve) => client.once('secureConnect', resolve))
    client.destroy()
    for (const raw of [ours, theirs, inner, outer]) raw.destroy()
    return { said: Buffer.concat(chunks), answered: Buffer.concat(answers) }
  }

  test('throws at plain text, at a byte too many, at one that is missing, and at an alert in clear', async () => {
    const { said } = await spoken({})
    assert.equal(readTlsStream(said).hello.kind, 'client')
    const question = Buffer.from('POST /federation/v1/requests HTTP/1.1\r\n\r\n')
    for (const bytes of [
      question,
      Buffer.alloc(0),
      Buffer.concat([said, question]),
      Buffer.concat([said, Buffer.from([0])]),
      said.subarray(0, -1),
      Buffer.concat([said, Buffer.from([21, 3, 3, 0, 2, 2, 40])]),
      Buffer.concat([said, Buffer.from([22, 3, 3, 0, 4, 0, 0, 0, 0])]),
      Buffer.concat([said, Buffer.from([23, 3, 3, 0, 4, 0x50, 0x4f, 0x53, 0x54])]),
    ]) {
      assert.throws(() => readTlsStream(bytes))
    }
  })

  test('tells TLS 1.2, and a server name, from what two realms say', async () => {
    const old = await spoken({ maxVersion: 'TLSv1.2' })
    assert.throws(() => readTlsStream(old.answered))
    const named = await spoken({ servername: 'kms.globex.example' })
    assert.ok(readTlsStream(named.said).hello.extensions.includes(EXTENSION.serverName))
  })
})
