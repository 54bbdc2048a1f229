// A hostile core between two realms, and hostile peers. Whatever they do, nobody is taken for somebody else, no byte is
// read or changed unnoticed, every question ends in time with a documented refusal, and nothing is left behind.

import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import { duplexPair, PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { decodeStreamData, encodeStreamData } from '../../src/boundary/index.ts'
import { isRefusal } from '../../src/refusal.ts'
import { instant } from '../../src/time.ts'
import { furnishPeers, type PeerWorld } from '../support/furnished-peers.ts'
import { makePeerRealm, type PeerLeaf } from '../support/peer-certificates.ts'
import { ACME, codeOf, GLOBEX, INITECH, until } from '../support/peer-world.ts'

const { open, join } = furnishPeers()

const SECRET = 'a-key-that-no-cloud-may-read'
const dns = (value: string) => [{ type: 'dns' as const, value }]

describe('a hostile core', () => {
  test('that changes a byte breaks the connection, at whatever place', async () => {
    const { acme, core, globex } = await open({ acme: { link: { answerWithinMs: 400 } } })
    for (const place of [0, 1, 2, 3, 5]) {
      let seen = 0
      core.tamper = (message) => {
        seen += 1
        if (seen !== place + 1) return message
        const changed = Uint8Array.from(message)
        const at = changed.length - 1
        changed[at] = (changed[at] ?? 0) ^ 1
        return changed
      }
      const before = globex.asked.length
      const reply = await acme.ask(GLOBEX, { place })
      core.tamper = (message) => message
      // Asked again on a fresh connection it may succeed; what was changed never counts.
      if (!isRefusal(reply)) assert.deepEqual(reply.body, { echo: { place } })
      assert.ok(globex.asked.length - before <= 2)
    }
  })

  test('that sends a record again breaks the connection', async () => {
    const { acme, core, globex } = await open({ acme: { link: { answerWithinMs: 400 } } })
    assert.equal(codeOf(await acme.ask(GLOBEX, 1)), 'answered')
    // The record that carried the first question.
    const last = core.seen.findLast(({ to }) => to === GLOBEX)?.message ?? new Uint8Array()
    const bytes = decodeStreamData(last)?.bytes ?? new Uint8Array()
    core.tamper = (message, to) => {
      const stream = decodeStreamData(message)?.stream ?? 0
      return to === GLOBEX ? encodeStreamData({ stream, bytes }) : message
    }
    const reply = await acme.ask(GLOBEX, 2)
    assert.ok(isRefusal(reply))
    // The first question of the old connection was delivered once, and never a second time.
    assert.deepEqual(
      globex.asked.map(({ request }) => request.body),
      [1],
    )
  })

  test('that plays a whole recorded connection again is understood by nobody', async () => {
    const { acme, core, globex } = await open()
    assert.equal(codeOf(await acme.ask(GLOBEX, 1)), 'answered')
    const recorded = core.seen.filter(({ to }) => to === GLOBEX).map(({ message }) => message)
    // As if acme had dialled once more: ids of the core are even.
    const stream = 1000
    globex.streams.take({ type: 'stream-opened-for', stream, from: ACME })
    for (const message of recorded) {
      const { bytes } = decodeStreamData(message) ?? { bytes: new Uint8Array() }
      globex.streams.takeData({ stream, bytes })
    }
    await until(() => globex.refused.length === 1)
    assert.equal(globex.refused[0]?.refused, 'federation.peer-broken')
    assert.equal(globex.asked.length, 1)
  })

  test('that delays everything within the time changes nothing', async () => {
    const { acme, core, globex } = await open()
    core.delayMs = 20
    assert.equal(codeOf(await acme.ask(GLOBEX, 1)), 'answered')
    assert.equal(codeOf(await acme.ask(GLOBEX, 2)), 'answered')
    assert.equal(globex.asked.length, 2)
  })

  test('that connects us with somebody else is found by the name', async () => {
    const { acme, core, anchors, globex } = await open()
    const papers = await makePeerRealm(INITECH)
    join({ core, domain: INITECH, leaf: papers.leaf, anchors: [...anchors, papers.root.pem] })
    acme.retrust([...anchors, papers.root.pem], [])
    core.redirect = () => INITECH
    assert.equal(codeOf(await acme.ask(GLOBEX, { key: SECRET })), 'federation.certificate-name')
    assert.equal(globex.asked.length, 0)
  })

  test('that names another as the one who asks is found by the name', async () => {
    const { acme, core, globex, anchors } = await open()
    const papers = await makePeerRealm(INITECH)
    const all = [...anchors, papers.root.pem]
    globex.retrust(all, [])
    // Initech's stream arrives as if it were acme's: the core says so, the certificate does not.
    const realm = join({ core, domain: INITECH, leaf: papers.leaf, anchors: all })
    const posing = join({ core, domain: ACME, leaf: papers.leaf, anchors: all })
    const reply = await posing.ask(GLOBEX)
    assert.ok(isRefusal(reply))
    assert.deepEqual(
      [reply.refused, reply.about],
      ['federation.refused-by-peer', 'federation.certificate-name'],
    )
    assert.equal(globex.refused.at(-1)?.refused, 'federation.certificate-name')
    assert.equal(globex.asked.length, 0)
    assert.equal(codeOf(await realm.ask(GLOBEX)), 'answered')
    assert.ok(acme)
  })

  test('that answers itself, with a certificate of its own making, is refused', async () => {
    const { acme, core, anchors } = await open()
    const forged = await makePeerRealm(GLOBEX)
    join({ core, domain: GLOBEX, leaf: forged.leaf, anchors: [...anchors, forged.root.pem] })
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.certificate-untrusted')
  })

  test('that splices two peers’ streams breaks both', async () => {
    const { acme, core, globex } = await open({ acme: { link: { answerWithinMs: 400 } } })
    await Promise.all([acme.ask(GLOBEX, 1), globex.ask(ACME, 2)])
    const streams = new Set<number>()
    core.tamper = (message, to) => {
      const data = decodeStreamData(message)
      if (to !== GLOBEX || data === undefined) return message
      streams.add(data.stream)
      // What acme asks arrives where globex waits for an answer.
      return encodeStreamData({ stream: data.stream % 2 === 0 ? 1 : 2, bytes: data.bytes })
    }
    const replies = await Promise.all([acme.ask(GLOBEX, 3), globex.ask(ACME, 4)])
    assert.ok(replies.some(isRefusal))
    for (const { request } of [...acme.asked, ...globex.asked]) {
      assert.ok([1, 2, 3, 4].includes(Number(request.body)))
    }
  })

  test('that holds everything back costs no more than the time of one question', async () => {
    const { acme, core } = await open({ acme: { link: { answerWithinMs: 300 } } })
    core.tamper = () => undefined
    const since = performance.now()
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.peer-timed-out')
    assert.ok(performance.now() - since < 1500)
  })
})

describe('a peer that is half up', () => {
  test('and does not take the stream is told of in time', async () => {
    const { acme, core } = await open()
    core.connect(
      INITECH,
      () => undefined,
      () => undefined,
    )
    const since = performance.now()
    assert.equal(codeOf(await acme.ask(INITECH)), 'federation.peer-timed-out')
    assert.ok(performance.now() - since < 4000)
    assert.equal(core.relay.open + acme.streams.count, 0)
  })

  test('and takes the stream without a word is told of in time', async () => {
    const { acme, core } = await open({ acme: { link: { answerWithinMs: 300 } } })
    const side = core.connect(
      INITECH,
      (text) => {
        const { type, stream } = JSON.parse(text)
        if (type === 'stream-opened-for') {
          side.say(JSON.stringify({ type: 'stream-accept', stream }))
        }
      },
      () => undefined,
    )
    assert.equal(codeOf(await acme.ask(INITECH)), 'federation.peer-timed-out')
    assert.deepEqual(
      acme.refused.map(({ refused, meeting }) => [refused, meeting.begunBy, meeting.claimed]),
      [['federation.peer-timed-out', 'us', INITECH]],
    )
    await until(() => core.relay.open + acme.streams.count === 0)
  })

  test('and answers byte by byte costs no more than the time of one question', async () => {
    const { core, papers, anchors } = await open()
    const { chainPem: cert, keyPem: key } = papers.globex.leaf
    const [ours, theirs] = duplexPair()
    const secureContext = createSecureContext({ cert, key, ca: [...anchors] })
    const slow = new TLSSocket(theirs, { isServer: true, secureContext, requestCert: true })
    slow.on('error', () => undefined)
    let dripping: NodeJS.Timeout | undefined
    slow.once('data', () => {
      slow.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')
      dripping = setInterval(() => slow.write(' '), 10)
    })
    const acme = join({
      ...{ core, domain: ACME, leaf: papers.acme.leaf, anchors, link: { answerWithinMs: 300 } },
      dial: async () => ({ raw: ours, carrier: 'direct' }),
    })
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.peer-timed-out')
    await until(() => acme.link.connections === 0)
    clearInterval(dripping)
    theirs.destroy()
  })
})

describe('a peer with a certificate that proves nothing', () => {
  const withLeaf = async (make: (world: PeerWorld) => Promise<PeerLeaf>) => {
    const world = await open()
    const leaf = await make(world)
    const posing = join({ core: world.core, domain: GLOBEX, leaf, anchors: world.anchors })
    // As the one who is asked, and as the one who asks.
    const asked = await world.acme.ask(GLOBEX)
    const asking = await posing.ask(ACME)
    assert.equal(world.acme.asked.length, 0)
    assert.equal(codeOf(asking), 'federation.refused-by-peer')
    assert.equal(isRefusal(asking) && asking.about, codeOf(asked))
    assert.equal(world.acme.refused.at(-1)?.refused, codeOf(asked))
    return codeOf(asked)
  }
  const past = { from: new Date(Date.now() - 2e8), to: new Date(Date.now() - 1e8) }

  test('has a name that looks alike, a wildcard, an address, or two names', async () => {
    for (const names of [
      dns('kms.gIobex.example'),
      dns('*.globex.example'),
      [...dns(GLOBEX), { type: 'ip' as const, value: '127.0.0.1' }],
      [...dns(GLOBEX), ...dns(INITECH)],
    ]) {
      const code = await withLeaf(({ papers }) => papers.globex.issuer.issue({ names }))
      assert.equal(code, 'federation.certificate-name')
    }
  })

  test('is expired', async () => {
    const issue = ({ papers }: PeerWorld) =>
      papers.globex.issuer.issue({ names: dns(GLOBEX), ...past })
    assert.equal(await withLeaf(issue), 'federation.certificate-expired')
  })

  test('has an issuer that may issue authorities', async () => {
    const issue = ({ papers }: PeerWorld) => papers.globex.root.issue({ names: dns(GLOBEX) })
    assert.equal(await withLeaf(issue), 'federation.issuer-may-issue-authorities')
  })

  test('has our own name', async () => {
    const { core, anchors, papers, acme } = await open()
    const mirror = join({ core, domain: GLOBEX, leaf: papers.acme.leaf, anchors })
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.certificate-name')
    const reply = await mirror.ask(ACME)
    assert.equal(isRefusal(reply) && reply.about, 'federation.certificate-name')
    // Without the core nobody claims a name, and the certificate is good.
    const listener = await acme.listen()
    const { chainPem: cert, keyPem: key } = papers.acme.leaf
    const socket = connectTls({ ...listener, cert, key, rejectUnauthorized: false })
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => undefined)
    await new Promise((resolve) => socket.once('close', resolve))
    listener.close()
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 403 .*certificate-name/s)
  })

  test('shows none', async () => {
    const { acme } = await open()
    const listener = await acme.listen()
    const socket = connectTls({ ...listener, rejectUnauthorized: false, minVersion: 'TLSv1.3' })
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => undefined)
    await new Promise((resolve) => socket.once('close', resolve))
    listener.close()
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 403 .*certificate-missing/s)
    assert.equal(acme.refused.at(-1)?.refused, 'federation.certificate-missing')
  })

  test('speaks TLS 1.2, or no post-quantum key exchange where that is required', async () => {
    const { acme, papers } = await open({ acme: { isPostQuantumRequired: true } })
    const listener = await acme.listen()
    const { chainPem: cert, keyPem: key } = papers.globex.leaf
    for (const old of [
      { maxVersion: 'TLSv1.2' as const },
      { minVersion: 'TLSv1.3' as const, ecdhCurve: 'X25519' },
    ]) {
      const socket = connectTls({ ...listener, cert, key, rejectUnauthorized: false, ...old })
      await new Promise((resolve) => socket.once('error', resolve))
    }
    listener.close()
    await until(() => acme.refused.length === 2)
    assert.equal(acme.refused.at(-1)?.refused, 'federation.key-exchange-classical')
    assert.equal(acme.server.connections, 0)
  })
})

describe('revocation', () => {
  test('cuts connections that are open, in both directions, and no old session helps', async () => {
    const { acme, globex, papers, anchors } = await open()
    await Promise.all([acme.ask(GLOBEX), globex.ask(ACME)])
    assert.equal(acme.link.connections + acme.server.connections, 2)
    const list = await papers.globex.issuer.revoke({ serials: [papers.globex.leaf.serial] })
    acme.retrust(anchors, [list])
    await until(() => acme.link.connections + acme.server.connections === 0)
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.certificate-revoked')
    const reply = await globex.ask(ACME)
    assert.equal(isRefusal(reply) && reply.about, 'federation.certificate-revoked')
    assert.equal(acme.asked.length, 1)
  })

  test('by a list that goes stale while a connection is open ends it at the next question', async () => {
    let now = Date.now()
    const { acme, papers, anchors } = await open({ acme: { now: () => instant(now) } })
    const list = await papers.globex.issuer.revoke({ to: new Date(now + 60_000) })
    acme.retrust(anchors, [list])
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
    now += 61_000
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.crl-stale')
  })

  test('of a whole authority, when its anchor is taken away', async () => {
    const { acme, globex, papers } = await open()
    await globex.ask(ACME)
    acme.retrust([papers.acme.root.pem], [])
    await until(() => acme.server.connections === 0)
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.certificate-untrusted')
  })
})

describe('a hostile peer that is who it says it is', () => {
  test('cannot hold more connections than its share, and others still come through', async () => {
    const { acme, papers } = await open({ acme: { server: { perPeer: 3, handshakes: 4 } } })
    const listener = await acme.listen()
    const { chainPem: cert, keyPem: key } = papers.globex.leaf
    const dial = () => {
      const socket = connectTls({ ...listener, cert, key, rejectUnauthorized: false })
      socket.on('error', () => undefined)
      socket.resume()
      return socket
    }
    for (let n = 0; n < 6; n += 1) {
      const socket = dial()
      await new Promise((resolve) => socket.once('secureConnect', resolve))
    }
    await until(() => acme.server.connections === 3)
    listener.close()
    acme.server.close()
  })

  test('and one that stalls on its way through the core takes no place from who comes directly', async () => {
    const { acme } = await open({ acme: { server: { handshakes: 1 } } })
    const silent = () => new PassThrough()
    const relayed = { claimed: GLOBEX, carrier: 'relayed' } as const
    assert.equal(acme.server.take(silent(), relayed), true)
    assert.equal(acme.server.take(silent(), relayed), false)
    const direct = { address: '192.0.2.1', carrier: 'direct' } as const
    assert.equal(acme.server.take(silent(), direct), true)
  })

  test('that never finishes a handshake, or a request, is cut', async () => {
    const { acme, papers } = await open({ acme: { server: { idleMs: 50, requestWithinMs: 50 } } })
    const listener = await acme.listen()
    const silent = connectTcp(listener)
    const { chainPem: cert, keyPem: key } = papers.globex.leaf
    const half = connectTls({ ...listener, cert, key, rejectUnauthorized: false }, () =>
      half.write(
        'POST /federation/v1/requests HTTP/1.1\r\nhost: x\r\ntrackingid: t\r\ncontent-length: 9\r\n\r\n{',
      ),
    )
    const closed = [silent, half].map((socket) => {
      socket.on('error', () => undefined)
      socket.resume()
      return new Promise((resolve) => socket.once('close', resolve))
    })
    await Promise.all(closed)
    assert.equal(acme.asked.length, 0)
    listener.close()
  })

  test('that sends a second question before the first is answered is cut', async () => {
    const never = Promise.withResolvers<{ status: number; body: unknown }>()
    const { acme, papers } = await open({ acme: { serve: () => never.promise } })
    const listener = await acme.listen()
    const { chainPem: cert, keyPem: key } = papers.globex.leaf
    const one =
      'POST /federation/v1/ping HTTP/1.1\r\nhost: x\r\ntrackingid: t\r\ncontent-length: 2\r\n\r\n{}'
    const socket = connectTls({ ...listener, cert, key, rejectUnauthorized: false }, () =>
      socket.write(one + one),
    )
    socket.on('error', () => undefined)
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    listener.close()
    assert.equal(acme.asked.length, 1)
    assert.deepEqual(acme.refused.map(codeOf), ['federation.question-malformed'])
  })

  test('that answers half is refused, and was asked twice at most', async () => {
    const { acme, globex } = await open({
      globex: {
        serve: async () => {
          setImmediate(() => globex.hangUp())
          return await new Promise(() => undefined)
        },
      },
    })
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.peer-broken')
    assert.ok(globex.asked.length <= 2)
  })

  test('that never reads an answer is cut, and holds no more than a window', async () => {
    const big = { status: 200, body: 'x'.repeat(20_000_000) }
    const { acme, papers } = await open({
      acme: { serve: async () => big, server: { requestWithinMs: 100 } },
    })
    const listener = await acme.listen()
    const { chainPem: cert, keyPem: key } = papers.globex.leaf
    const socket = connectTls({ ...listener, cert, key, rejectUnauthorized: false }, () =>
      socket.write(
        'POST /federation/v1/ping HTTP/1.1\r\nhost: x\r\ntrackingid: t\r\ncontent-length: 2\r\n\r\n{}',
      ),
    )
    socket.on('error', () => undefined)
    socket.pause()
    await until(() => acme.asked.length === 1)
    await until(() => acme.server.connections === 0)
    socket.destroy()
    listener.close()
  })
})

describe('after hundreds of questions with faults', () => {
  test('no stream, connection or question is left', async () => {
    const { acme, globex, core } = await open({ acme: { link: { answerWithinMs: 1000 } } })
    let n = 0
    core.tamper = (message) => {
      n += 1
      if (n % 97 !== 0) return message
      const changed = Uint8Array.from(message)
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
      return changed
    }
    const outcomes = new Map<string, number>()
    for (let batch = 0; batch < 15; batch += 1) {
      const replies = await Promise.all(Array.from({ length: 20 }, (_, m) => acme.ask(GLOBEX, m)))
      for (const reply of replies) {
        const code = codeOf(reply)
        outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
      }
    }
    assert.ok((outcomes.get('answered') ?? 0) > 150, JSON.stringify([...outcomes]))
    acme.close()
    globex.close()
    await until(() => core.relay.open === 0)
    assert.equal(acme.streams.count + globex.streams.count + globex.server.connections, 0)
  })
})
