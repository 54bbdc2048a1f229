// The TLS between realms under attack: each chain is judged by our policy and by the TLS library, each refusal is told on the side that
// noticed, nothing is read or asked before the verdict, no session lives on, and a revocation cuts whatever is open.

import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import { duplexPair } from 'node:stream'
import { describe, test } from 'node:test'
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type TLSSocket,
  TLSSocket as Tls,
} from 'node:tls'
import { acceptPeer, connectPeer, type PeerTls } from '../../src/links/peer-tls.ts'
import { isRefusal } from '../../src/refusal.ts'
import { instant } from '../../src/time.ts'
import { furnishPeers, type PeerWorld } from '../support/furnished-peers.ts'
import {
  CLIENT_AUTH,
  makePeerRealm,
  type PeerLeaf,
  SERVER_AUTH,
  strangeMarks,
} from '../support/peer-certificates.ts'
import { ACME, codeOf, GLOBEX, INITECH, until } from '../support/peer-world.ts'

const { open, join, closers } = furnishPeers()

const dns = (value: string) => [{ type: 'dns' as const, value }]
const past = { from: new Date(Date.now() - 2e8), to: new Date(Date.now() - 1e8) }
const QUESTION =
  'POST /federation/v1/ping HTTP/1.1\r\nhost: x\r\ntrackingid: t\r\ncontent-length: 2\r\n\r\n{}'

/** As globex, straight to acme's port. */
const dial = async ({ acme, papers }: PeerWorld, more: ConnectionOptions = {}) => {
  const listener = await acme.listen()
  closers.push(listener.close)
  const { chainPem: cert, keyPem: key } = papers.globex.leaf
  const { host, port } = listener
  const again = (session?: Buffer): TLSSocket => {
    const socket = connectTls({
      ...{ host, port, cert, key, rejectUnauthorized: false, ...more },
      ...(session === undefined ? {} : { session }),
    })
    socket.on('error', () => undefined)
    closers.push(() => socket.destroy())
    return socket
  }
  return again
}

const textOf = async (socket: TLSSocket): Promise<string> => {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks).toString()
}

describe('a chain that our policy refuses', () => {
  const cases: Readonly<Record<string, readonly [string, (w: PeerWorld) => Promise<PeerLeaf>]>> = {
    'for a key that may not sign': [
      'federation.certificate-unfit',
      ({ papers }) => papers.globex.issuer.issue({ names: dns(GLOBEX), isForEncryption: true }),
    ],
    'for a leaf that is meant for servers only': [
      'federation.certificate-unfit',
      ({ papers }) => papers.globex.issuer.issue({ names: dns(GLOBEX), uses: [SERVER_AUTH] }),
    ],
    'for a leaf that is meant for clients only': [
      'federation.certificate-unfit',
      ({ papers }) => papers.globex.issuer.issue({ names: dns(GLOBEX), uses: [CLIENT_AUTH] }),
    ],
    'for an issuer that is over': [
      'federation.certificate-expired',
      async ({ papers }) => {
        const over = { name: 'over', pathLength: 0, ...past }
        const issuer = await papers.globex.root.authority(over)
        return issuer.issue({ names: dns(GLOBEX) })
      },
    ],
    'for constraints on names that nobody evaluates': [
      'federation.certificate-unfit',
      ({ papers }) =>
        papers.globex.issuer.issue({ names: dns(GLOBEX), extensions: strangeMarks() }),
    ],
    'for an anchor that nobody gave us': [
      'federation.certificate-untrusted',
      async () => (await makePeerRealm(GLOBEX)).leaf,
    ],
    'for a stranger’s leaf beside a good issuer': [
      'federation.certificate-untrusted',
      async ({ papers }) => {
        const { leaf } = await makePeerRealm(GLOBEX)
        const good = papers.globex.leaf.chainPem.slice(papers.globex.leaf.pem.length)
        return { ...leaf, chainPem: leaf.pem + good }
      },
    ],
  }
  for (const [what, [code, make]] of Object.entries(cases)) {
    test(`${what}: on both sides, told on both, and nobody is asked anything`, async () => {
      const world = await open()
      const { acme, core, anchors } = world
      const posing = join({ core, domain: GLOBEX, leaf: await make(world), anchors })
      assert.equal(codeOf(await acme.ask(GLOBEX, { secret: 1 })), code)
      const told = acme.refused.at(-1)
      assert.equal(told?.refused, code)
      const { begunBy, carrier, claimed, certificateSha256 } = told.meeting
      assert.deepEqual([begunBy, carrier, claimed], ['us', 'relayed', GLOBEX])
      assert.match(certificateSha256 ?? '', /^[0-9a-f]{64}$/)
      const reply = await posing.ask(ACME, { secret: 1 })
      assert.deepEqual(isRefusal(reply) && [reply.refused, reply.about], [
        'federation.refused-by-peer',
        code,
      ])
      const after = acme.refused.at(-1)
      assert.deepEqual([after?.refused, after?.meeting.begunBy], [code, 'peer'])
      assert.equal(after?.meeting.claimed, GLOBEX)
      assert.equal(posing.asked.length + acme.asked.length, 0)
    })
  }

  test('for a missing list, and for a stale one, is told on both sides', async () => {
    const world = await open({ acme: { isRevocationRequired: true } })
    const { acme, globex, papers, anchors } = world
    const check = async (code: string) => {
      assert.equal(codeOf(await acme.ask(GLOBEX)), code)
      assert.deepEqual(
        [acme.refused.at(-1)?.refused, acme.refused.at(-1)?.meeting.begunBy],
        [code, 'us'],
      )
      const reply = await globex.ask(ACME)
      assert.equal(isRefusal(reply) && reply.about, code)
      assert.deepEqual(
        [acme.refused.at(-1)?.refused, acme.refused.at(-1)?.meeting.begunBy],
        [code, 'peer'],
      )
    }
    await check('federation.crl-missing')
    const lists = [
      await papers.globex.issuer.revoke({ from: past.from, to: past.to }),
      await papers.globex.root.revoke({}),
    ]
    acme.retrust(anchors, lists)
    await check('federation.crl-stale')
  })
})

describe('a chain that our policy would let pass', () => {
  /** Our policy blinded: whoever comes is globex. Then the TLS library's own verdict is all there is. */
  const blind = (leaf: PeerLeaf, ownDomain: string, anchorsPem: readonly string[]): PeerTls => {
    const whoever = ownDomain === ACME ? GLOBEX : ACME
    const trust = {
      anchorsPem: () => anchorsPem,
      judge: () => ({ domain: whoever, sha256: '00', until: instant(Number.MAX_SAFE_INTEGER) }),
    }
    return {
      ownDomain,
      identity: () => leaf,
      trust: () => trust,
      isPostQuantumRequired: false,
      handshakeWithinMs: 2000,
      now: () => instant(Date.now()),
    }
  }
  /** Like a connection: what one end breaks off is broken off at the other. */
  const wire = () => {
    const [a, b] = duplexPair()
    a.once('close', () => b.destroy())
    b.once('close', () => a.destroy())
    return [a, b] as const
  }
  const meet = async (leaf: PeerLeaf, anchorsPem: readonly string[]) => {
    const own = await makePeerRealm(ACME)
    const acme = blind(own.leaf, ACME, anchorsPem)
    const globex = blind(leaf, GLOBEX, [own.root.pem])
    const wanted = { domain: GLOBEX, carrier: 'direct', withinMs: 2000 } as const
    const [a, b] = wire()
    const [asClient] = await Promise.all([
      connectPeer(a, wanted, acme),
      acceptPeer(b, { carrier: 'direct' }, globex),
    ])
    const [c, d] = wire()
    const [, asServer] = await Promise.all([
      connectPeer(c, { ...wanted, domain: ACME }, globex),
      acceptPeer(d, { carrier: 'direct' }, acme),
    ])
    for (const raw of [a, b, c, d]) raw.destroy()
    return [codeOf(asClient), codeOf(asServer)]
  }

  test('is let pass by the TLS library too', async () => {
    const { leaf, root } = await makePeerRealm(GLOBEX)
    assert.deepEqual(await meet(leaf, [root.pem]), ['answered', 'answered'])
  })

  const refused: Readonly<Record<string, (r: Papers) => Promise<PeerLeaf>>> = {
    'self-signed': async () => (await makePeerRealm(GLOBEX)).leaf,
    expired: ({ issuer }) => issuer.issue({ names: dns(GLOBEX), ...past }),
    'under an issuer that is over': async ({ root }) =>
      (await root.authority({ name: 'o', pathLength: 0, ...past })).issue({ names: dns(GLOBEX) }),
    'for nobody’s purpose': ({ issuer }) =>
      issuer.issue({ names: dns(GLOBEX), uses: ['1.3.6.1.5.5.7.3.4'] }),
    'from an authority below one that may have none': async ({ issuer }) =>
      (await issuer.authority({ name: 'hidden' })).issue({ names: dns(GLOBEX) }),
    'from somebody who is no authority': async ({ root }) =>
      (await root.authority({ name: 'p', isAuthority: false })).issue({ names: dns(GLOBEX) }),
    'with something critical that nobody understands': ({ issuer }) =>
      issuer.issue({ names: dns(GLOBEX), extensions: strangeMarks().slice(0, 1) }),
  }
  for (const [what, make] of Object.entries(refused)) {
    test(`is refused by the TLS library where it is ${what}, on both sides`, async () => {
      const papers = await makePeerRealm(GLOBEX)
      const codes = await meet(await make(papers), [papers.root.pem])
      assert.deepEqual(codes, ['federation.certificate-unfit', 'federation.certificate-unfit'])
    })
  }
  type Papers = Awaited<ReturnType<typeof makePeerRealm>>
})

describe('nothing is taken or given before the verdict', () => {
  test('a question that comes with the handshake of a stranger is not read', async () => {
    const world = await open()
    const papers = await makePeerRealm(GLOBEX)
    const { chainPem: cert, keyPem: key } = papers.leaf
    const socket = (await dial(world, { cert, key }))()
    socket.write(QUESTION.repeat(20))
    assert.match(await textOf(socket), /^HTTP\/1\.1 403 .*certificate-untrusted/s)
    assert.equal(world.acme.asked.length, 0)
    assert.deepEqual(world.acme.refused.at(-1)?.meeting.address, '127.0.0.1')
  })

  test('extra certificates beside a good chain change nothing', async () => {
    const { core, anchors, papers, acme } = await open()
    const stranger = await makePeerRealm('kms.stranger.example')
    const { leaf } = papers.globex
    const chainPem = leaf.chainPem + stranger.issuer.pem + stranger.root.pem
    const more = join({ core, domain: GLOBEX, leaf: { ...leaf, chainPem }, anchors })
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
    assert.equal(codeOf(await more.ask(ACME)), 'answered')
  })
})

describe('no session lives on', () => {
  /** The context-tagged member of OpenSSL's SSL_SESSION that allows early data: [15] max_early_data. */
  const MAX_EARLY_DATA = 0xaf
  const membersOf = (der: Buffer): readonly number[] => {
    const tags: number[] = []
    const lengthAt = (at: number): readonly [number, number] => {
      const first = der[at] ?? 0
      if (first < 0x80) return [first, 1]
      return [der.readUIntBE(at + 1, first & 0x7f), 1 + (first & 0x7f)]
    }
    // Node puts a name of its own before it.
    const start = der.findIndex(
      (byte, at) =>
        byte === 0x30 && der[at + 1] === 0x82 && der.readUInt16BE(at + 2) === der.length - at - 4,
    )
    assert.ok(start >= 0, 'no session was read')
    for (let at = start + 4; at < der.length; ) {
      tags.push(der[at] ?? 0)
      const [length, bytes] = lengthAt(at + 1)
      at += 1 + bytes + length
    }
    return tags
  }

  test('a ticket is worth nothing: the next handshake is whole, and judged by the lists of then', async () => {
    const world = await open()
    const again = await dial(world)
    const first = again()
    const tickets: Buffer[] = []
    first.on('session', (ticket) => tickets.push(ticket))
    first.write(QUESTION)
    await new Promise((resolve) => first.once('data', resolve))
    await until(() => tickets.length > 0)
    const [ticket] = tickets
    assert.ok(ticket)
    // A positive control of the reader, and no early data is offered.
    assert.ok(membersOf(ticket).includes(0xa1), 'a session has a time')
    assert.ok(!membersOf(ticket).includes(MAX_EARLY_DATA))

    const second = again(ticket)
    second.write(QUESTION)
    await new Promise((resolve) => second.once('data', resolve))
    assert.equal(second.isSessionReused(), false)

    const { acme, papers, anchors } = world
    const list = await papers.globex.issuer.revoke({ serials: [papers.globex.leaf.serial] })
    acme.retrust(anchors, [list])
    await until(() => first.destroyed && second.destroyed)
    const third = again(ticket)
    third.write(QUESTION)
    assert.match(await textOf(third), /certificate-revoked/)
    assert.equal(acme.asked.length, 2)
  })

  test('nobody negotiates anew, and nobody speaks an older TLS', async () => {
    const world = await open()
    const socket = (await dial(world))()
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    const error = await new Promise((resolve) => socket.renegotiate({}, resolve))
    assert.ok(error instanceof Error)
    const old = (await dial(world, { maxVersion: 'TLSv1.2' }))()
    const why = await new Promise<NodeJS.ErrnoException>((resolve) => old.once('error', resolve))
    assert.equal(why.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
    await until(() =>
      world.acme.refused.some(({ refused }) => refused === 'federation.peer-broken'),
    )
  })

  test('a peer that can only do without post-quantum is refused by who requires it, either way', async () => {
    const world = await open({ acme: { isPostQuantumRequired: true } })
    const { acme, papers, core } = world
    const classical = (await dial(world, { ecdhCurve: 'X25519' }))()
    await new Promise((resolve) => classical.once('error', resolve))
    await until(() => acme.refused.length === 1)
    assert.equal(acme.refused[0]?.refused, 'federation.key-exchange-classical')
    // And as the one who asks: globex is played by a bare TLS server.
    const { chainPem: cert, keyPem: key } = papers.globex.leaf
    const [ours, theirs] = duplexPair()
    const secureContext = createSecureContext({ cert, key, ecdhCurve: 'X25519' })
    new Tls(theirs, { isServer: true, secureContext }).on('error', () => undefined)
    const requiring = join({
      ...{ core, domain: ACME, leaf: papers.acme.leaf, anchors: world.anchors },
      ...{ isPostQuantumRequired: true, dial: async () => ({ raw: ours, carrier: 'direct' }) },
    })
    assert.equal(codeOf(await requiring.ask(GLOBEX)), 'federation.key-exchange-classical')
    assert.equal(requiring.refused.at(-1)?.meeting.begunBy, 'us')
  })
})

describe('a revocation that comes while', () => {
  const revoked = async (world: PeerWorld) => {
    const { papers } = world
    return [await papers.globex.issuer.revoke({ serials: [papers.globex.leaf.serial] })]
  }

  test('a question of the peer is in work: its answer is not sent', async () => {
    const answer = Promise.withResolvers<{ status: number; body: unknown }>()
    const world = await open({ acme: { serve: () => answer.promise } })
    const { acme, globex, anchors } = world
    const asking = globex.ask(ACME)
    await until(() => acme.asked.length === 1)
    acme.retrust(anchors, await revoked(world))
    answer.resolve({ status: 200, body: { key: 'a-key' } })
    const reply = await asking
    assert.ok(isRefusal(reply))
    const told = acme.refused.find(({ refused }) => refused === 'federation.certificate-revoked')
    assert.deepEqual([told?.meeting.begunBy, told?.meeting.proven], ['peer', GLOBEX])
  })

  test('connections of ours lie idle: they are cut, told, and never used again', async () => {
    const world = await open()
    const { acme, anchors } = world
    await Promise.all([acme.ask(GLOBEX, 1), acme.ask(GLOBEX, 2)])
    assert.ok(acme.link.connections > 0)
    acme.retrust(anchors, await revoked(world))
    await until(() => acme.link.connections === 0)
    const told = acme.refused.filter(({ refused }) => refused === 'federation.certificate-revoked')
    assert.ok(told.length > 0 && told.every(({ meeting }) => meeting.begunBy === 'us'))
    await until(() => acme.told() === 0)
  })
})

describe('a peer that takes too much', () => {
  test('of connections is refused, told, and others are served', async () => {
    const world = await open({ acme: { server: { perPeer: 2 } } })
    const { acme, papers, core, anchors } = world
    const again = await dial(world)
    for (let n = 0; n < 4; n += 1) {
      const socket = again()
      await new Promise((resolve) => socket.once('secureConnect', resolve))
    }
    await until(() => acme.refused.length === 2)
    assert.ok(acme.refused.every(({ refused }) => refused === 'federation.peer-floods'))
    assert.equal(acme.refused[0]?.meeting.proven, GLOBEX)
    const other = await makePeerRealm(INITECH)
    acme.retrust([...anchors, other.root.pem], [])
    const initech = join({
      ...{ core, domain: INITECH, leaf: other.leaf },
      anchors: [...anchors, other.root.pem, papers.acme.root.pem],
    })
    assert.equal(codeOf(await initech.ask(ACME)), 'answered')
  })

  test('of handshakes leaves places for others, and is told', async () => {
    const { acme, globex } = await open({ acme: { server: { handshakes: 8, handshakesOfOne: 3 } } })
    const raws = Array.from({ length: 5 }, () => duplexPair())
    const hostile = { claimed: 'kms.mallory.example', carrier: 'relayed' } as const
    const taken = raws.map(([, theirs]) => acme.server.take(theirs, hostile))
    assert.deepEqual(taken, [true, true, true, false, false])
    assert.deepEqual(
      acme.refused.map(({ refused, meeting }) => [refused, meeting.claimed]),
      Array.from({ length: 2 }, () => ['federation.peer-floods', 'kms.mallory.example']),
    )
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    for (const [ours] of raws) ours.destroy()
  })

  test('and leaves in the middle of a handshake keeps no place', async () => {
    const { acme, globex } = await open({ acme: { server: { handshakes: 1 } } })
    const listener = await acme.listen()
    closers.push(listener.close)
    for (let n = 1; n <= 3; n += 1) {
      const socket = connectTcp({ ...listener, allowHalfOpen: true })
      socket.on('error', () => undefined)
      socket.resume().end()
      await until(() => acme.refused.length === n)
      // Noticed, and not only when its time was over.
      assert.equal(acme.refused.at(-1)?.refused, 'federation.peer-broken')
    }
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
  })

  test('of questions is told 429, and may ask again later', async () => {
    let now = Date.now()
    const { acme, globex } = await open({
      acme: { server: { questionsPerSecond: 1, questionsAtOnce: 2 }, now: () => instant(now) },
    })
    const statuses: unknown[] = []
    for (let n = 0; n < 3; n += 1) {
      const reply = await globex.ask(ACME)
      statuses.push(isRefusal(reply) ? reply.refused : reply.status)
    }
    assert.deepEqual(statuses, [200, 200, 429])
    assert.equal(acme.refused.at(-1)?.refused, 'federation.peer-floods')
    now += 1000
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    assert.equal(acme.asked.length, 3)
  })

  test('or speaks something else than questions is told of', async () => {
    const world = await open()
    const { acme } = world
    const again = await dial(world)
    for (const text of [
      'GET / HTTP/1.1\r\nhost: x\r\n\r\n',
      'no HTTP at all\r\n\r\n',
      QUESTION.replace('{}', '{"'),
      QUESTION.replace('trackingid: t', 'trackingid: '),
      QUESTION + QUESTION,
    ]) {
      const before = acme.refused.length
      const socket = again()
      socket.write(text)
      socket.resume()
      await until(() => acme.refused.length > before)
      assert.equal(acme.refused.at(-1)?.refused, 'federation.question-malformed')
      await until(() => socket.destroyed)
    }
  })
})
