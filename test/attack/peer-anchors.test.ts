// A partner's own authority turns against another partner. Once the operator has tied anchors to a domain, nobody else's vouch for it:
// asking and being asked, through the core and without it, for our policy and for the TLS library each on its own.

import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { before, describe, test } from 'node:test'
import { acceptPeer, connectPeer, type PeerTls } from '../../src/links/peer-tls.ts'
import { isRefusal } from '../../src/refusal.ts'
import { instant } from '../../src/time.ts'
import { furnishPeers } from '../support/furnished-peers.ts'
import { makePeerRealm, makePeerRoot, type PeerLeaf } from '../support/peer-certificates.ts'
import {
  ACME,
  codeOf,
  GLOBEX,
  INITECH,
  makeCore,
  type TestRealmWishes,
  until,
} from '../support/peer-world.ts'

type Papers = Awaited<ReturnType<typeof makePeerRealm>>
const { join, closers } = furnishPeers()

const globexName = [{ type: 'dns' as const, value: GLOBEX }]
let acmePapers: Papers
let globexPapers: Papers
let initechPapers: Papers
/** Initech's authority says that this is globex. */
let forged: PeerLeaf
let general: readonly string[]
before(async () => {
  acmePapers = await makePeerRealm(ACME)
  globexPapers = await makePeerRealm(GLOBEX)
  initechPapers = await makePeerRealm(INITECH)
  forged = await initechPapers.issuer.issue({ names: globexName })
  general = [acmePapers.root.pem, globexPapers.root.pem, initechPapers.root.pem]
})

const tiedTo = (domain: string, ...pems: readonly string[]) => new Map([[domain, pems]])
const globexOnly = () => tiedTo(GLOBEX, globexPapers.root.pem)

/** Acme, with both partners' authorities in its folder; whoever poses as globex. */
const meet = (leaf: PeerLeaf, tied?: TestRealmWishes['tied']) => {
  const core = makeCore()
  const own = tied === undefined ? {} : { tied }
  const acme = join({ core, domain: ACME, leaf: acmePapers.leaf, anchors: general, ...own })
  return { core, acme, globex: join({ core, domain: GLOBEX, leaf, anchors: general }) }
}

/** The same, each reached at a port. */
const meetDirectly = async (leaf: PeerLeaf, tied?: TestRealmWishes['tied']) => {
  const realms = meet(leaf, tied)
  const ports = { acme: await realms.acme.listen(), globex: await realms.globex.listen() }
  closers.push(ports.acme.close, ports.globex.close)
  const own = tied === undefined ? {} : { tied }
  const direct = new Map([
    [ACME, ports.acme],
    [GLOBEX, ports.globex],
  ])
  const core = makeCore()
  const acme = join({ core, domain: ACME, leaf: acmePapers.leaf, anchors: general, direct, ...own })
  const globex = join({ core, domain: GLOBEX, leaf, anchors: general, direct })
  /** Questions go out by `acme` and `globex`; the ports are those of others with the same files. */
  return { asking: { acme, globex }, asked: realms }
}

const UNTRUSTED = 'federation.certificate-untrusted'

describe('an authority of one partner that vouches for the name of another', () => {
  test('is believed while anchors are tied to nothing: that is what tying is for', async () => {
    const { acme, globex } = meet(forged)
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
  })

  test('is refused through the core, both ways, and told on the refusing side', async () => {
    const { acme, globex } = meet(forged, globexOnly())
    assert.equal(codeOf(await acme.ask(GLOBEX, { secret: 1 })), UNTRUSTED)
    const reply = await globex.ask(ACME, { secret: 1 })
    assert.deepEqual(isRefusal(reply) && [reply.refused, reply.about], [
      'federation.refused-by-peer',
      UNTRUSTED,
    ])
    assert.deepEqual(
      acme.refused.map(({ refused, meeting }) => [refused, meeting.begunBy, meeting.claimed]),
      [
        [UNTRUSTED, 'us', GLOBEX],
        [UNTRUSTED, 'peer', GLOBEX],
      ],
    )
    assert.equal(acme.asked.length + globex.asked.length, 0)
  })

  test('is refused without the core, both ways, and told on the refusing side', async () => {
    const { asking, asked } = await meetDirectly(forged, globexOnly())
    assert.equal(codeOf(await asking.acme.ask(GLOBEX, { secret: 1 })), UNTRUSTED)
    assert.equal(asking.acme.refused.at(-1)?.meeting.begunBy, 'us')
    const reply = await asking.globex.ask(ACME, { secret: 1 })
    assert.equal(isRefusal(reply) && reply.about, UNTRUSTED)
    const told = asked.acme.refused.at(-1)
    assert.deepEqual(
      [told?.refused, told?.meeting.begunBy, told?.meeting.carrier, told?.meeting.address],
      [UNTRUSTED, 'peer', 'direct', '127.0.0.1'],
    )
    assert.equal(asked.acme.asked.length + asked.globex.asked.length, 0)
  })

  test('is refused also where its certificates have the names of the right ones', async () => {
    const alike = await makePeerRealm(GLOBEX)
    assert.equal(alike.root.name, globexPapers.root.name)
    const core = makeCore()
    const anchors = [...general, alike.root.pem]
    const acme = join({
      ...{ core, domain: ACME, leaf: acmePapers.leaf, anchors, tied: globexOnly() },
    })
    const globex = join({ core, domain: GLOBEX, leaf: alike.leaf, anchors })
    assert.equal(codeOf(await acme.ask(GLOBEX)), UNTRUSTED)
    assert.equal(codeOf(await globex.ask(ACME)), 'federation.refused-by-peer')
  })

  test('is refused where the anchors of its own domain are its own', async () => {
    const tied = new Map([...globexOnly(), [INITECH, [initechPapers.root.pem]]])
    const { acme, globex } = meet(forged, tied)
    assert.equal(codeOf(await acme.ask(GLOBEX)), UNTRUSTED)
    assert.equal(codeOf(await globex.ask(ACME)), 'federation.refused-by-peer')
  })

  test('cannot vouch for anybody by anchors that are tied to another domain', async () => {
    // Initech's authority stands in initech's folder alone: globex has the anchors of every domain.
    const core = makeCore()
    const anchors = [acmePapers.root.pem, globexPapers.root.pem]
    const tied = tiedTo(INITECH, initechPapers.root.pem)
    const acme = join({ core, domain: ACME, leaf: acmePapers.leaf, anchors, tied })
    const posing = join({ core, domain: GLOBEX, leaf: forged, anchors: general })
    assert.equal(codeOf(await acme.ask(GLOBEX)), UNTRUSTED)
    assert.equal(codeOf(await posing.ask(ACME)), 'federation.refused-by-peer')
    const initech = join({ core, domain: INITECH, leaf: initechPapers.leaf, anchors: general })
    assert.equal(codeOf(await acme.ask(INITECH)), 'answered')
    assert.equal(codeOf(await initech.ask(ACME)), 'answered')
  })
})

describe('the domain that anchors are tied to', () => {
  test('is spoken with by them alone, both ways and by both carriers', async () => {
    const { acme, globex } = meet(globexPapers.leaf, globexOnly())
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    const { asking, asked } = await meetDirectly(globexPapers.leaf, globexOnly())
    assert.equal(codeOf(await asking.acme.ask(GLOBEX)), 'answered')
    assert.equal(codeOf(await asking.globex.ask(ACME)), 'answered')
    assert.equal(asked.acme.refused.length, 0)
  })

  test('is not spoken with at all where they cannot be relied upon; others are', async () => {
    const code = 'federation.anchors-unusable'
    for (const tied of [tiedTo(GLOBEX), tiedTo(GLOBEX, globexPapers.root.pem, 'no certificate')]) {
      const { core, acme, globex } = meet(globexPapers.leaf, tied)
      assert.equal(codeOf(await acme.ask(GLOBEX)), code)
      const reply = await globex.ask(ACME)
      assert.equal(isRefusal(reply) && reply.about, code)
      assert.deepEqual(
        acme.refused.map(({ refused, meeting }) => [refused, meeting.begunBy]),
        [
          [code, 'us'],
          [code, 'peer'],
        ],
      )
      const initech = join({ core, domain: INITECH, leaf: initechPapers.leaf, anchors: general })
      assert.equal(codeOf(await initech.ask(ACME)), 'answered')
      assert.equal(codeOf(await acme.ask(INITECH)), 'answered')
      acme.close()
    }
  })

  test('is refused at its next request when they come while its connections are open', async () => {
    const { acme, globex } = meet(forged)
    assert.equal(codeOf(await acme.ask(GLOBEX, 1)), 'answered')
    assert.equal(codeOf(await globex.ask(ACME, 1)), 'answered')
    acme.retrust(general, [], globexOnly())
    await until(() => acme.link.connections === 0 && acme.server.connections === 0)
    assert.deepEqual(
      acme.refused.map(({ refused, meeting }) => [refused, meeting.begunBy, meeting.proven]),
      [
        [UNTRUSTED, 'us', GLOBEX],
        [UNTRUSTED, 'peer', GLOBEX],
      ],
    )
    assert.equal(codeOf(await acme.ask(GLOBEX, 2)), UNTRUSTED)
    assert.equal(codeOf(await globex.ask(ACME, 2)), 'federation.refused-by-peer')
    assert.deepEqual([acme.asked.length, globex.asked.length], [1, 1])
  })

  test('has the anchors of every domain again once its own are taken away', async () => {
    const { acme, globex } = meet(globexPapers.leaf, tiedTo(GLOBEX, initechPapers.root.pem))
    assert.equal(codeOf(await acme.ask(GLOBEX)), UNTRUSTED)
    acme.retrust(general, [])
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
  })
})

describe('the TLS library alone', () => {
  /** Our policy blinded: whoever comes is globex. All that holds is the library's verdict, by the anchors it was asked with. */
  const blind = (domain: string, leaf: PeerLeaf, tied: ReadonlyMap<string, readonly string[]>) => {
    const whoever = domain === ACME ? GLOBEX : ACME
    const all = [...new Set([...general, ...[...tied.values()].flat()])]
    const trust: ReturnType<PeerTls['trust']> = {
      anchorsPem: (of) => (of === undefined ? all : (tied.get(of) ?? general)),
      judge: () => ({ domain: whoever, sha256: '00', until: instant(Number.MAX_SAFE_INTEGER) }),
    }
    const tls: PeerTls = {
      ...{ ownDomain: domain, identity: () => leaf, trust: () => trust },
      ...{ isPostQuantumRequired: false, handshakeWithinMs: 2000, now: () => instant(Date.now()) },
    }
    return tls
  }
  const wire = () => {
    const [a, b] = duplexPair()
    a.once('close', () => b.destroy())
    b.once('close', () => a.destroy())
    return [a, b] as const
  }
  /** Acme calls; acme is called through the core; acme is called without it. */
  const verdicts = async (leaf: PeerLeaf, pem: string) => {
    const acme = blind(ACME, acmePapers.leaf, tiedTo(GLOBEX, pem))
    const globex = blind(GLOBEX, leaf, new Map())
    const codes: string[] = []
    const [a, b] = wire()
    const called = { domain: GLOBEX, carrier: 'direct', withinMs: 2000 } as const
    const [ours] = await Promise.all([
      connectPeer(a, called, acme),
      acceptPeer(b, { carrier: 'direct' }, globex),
    ])
    codes.push(codeOf(ours))
    for (const claimed of [
      { claimed: GLOBEX, carrier: 'relayed' },
      { carrier: 'direct' },
    ] as const) {
      const [c, d] = wire()
      const [, theirs] = await Promise.all([
        connectPeer(c, { ...called, domain: ACME }, globex),
        acceptPeer(d, claimed, acme),
      ])
      codes.push(codeOf(theirs))
      for (const raw of [c, d]) raw.destroy()
    }
    for (const raw of [a, b]) raw.destroy()
    return codes
  }

  test('lets whom the tied anchors vouch for pass', async () => {
    const codes = await verdicts(globexPapers.leaf, globexPapers.root.pem)
    assert.deepEqual(codes, ['answered', 'answered', 'answered'])
  })

  test('refuses whom anchors of every domain vouch for, wherever its name was learned', async () => {
    const unfit = 'federation.certificate-unfit'
    const codes = await verdicts(forged, globexPapers.root.pem)
    assert.deepEqual(codes, [unfit, unfit, unfit])
  })

  test('refuses whom nobody vouches for, where the second look is the only one', async () => {
    const stranger = await makePeerRoot({ name: 'nobody' })
    const codes = await verdicts(globexPapers.leaf, stranger.pem)
    assert.ok(
      codes.every((code) => code === 'federation.certificate-unfit'),
      codes.join(),
    )
  })
})
