// `keyrealm peers check`: what it finds of a partner in every state, in which step, and that there is always something to do about it.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { systemRandom } from '../../src/crypto/index.ts'
import {
  blockPeer,
  type CheckParts,
  checkPeer,
  type PeerCheck,
  type PeerDomain,
} from '../../src/federation/index.ts'
import { type RefusalCode, refuse } from '../../src/refusal.ts'
import type { Json } from '../support/device.ts'
import {
  ACME_DOMAIN,
  CONNECTION,
  GLOBEX_DOMAIN,
  somePolicy,
  TwoRealms,
} from '../support/two-realms.ts'

let realms: TwoRealms
before(async () => {
  realms = await TwoRealms.open()
})
after(() => realms.close())
beforeEach(() => realms.heal())

const GLOBEX = GLOBEX_DOMAIN as PeerDomain

const check = (changes: Partial<CheckParts> = {}): Promise<PeerCheck> => {
  let ms = 0
  return checkPeer(
    {
      ...{ domain: ACME_DOMAIN, policy: somePolicy(), link: realms.linkOf(ACME_DOMAIN) },
      ...{ random: systemRandom, now: () => realms.acme.now(), isBlocked: false },
      isRevocationRequired: true,
      anchors: { scope: 'every-domain', sha256: ['aa'] },
      elapsedMs: () => {
        ms += 10
        return ms
      },
      ...changes,
    },
    GLOBEX,
  )
}
const badStep = ({ findings, isGood }: PeerCheck) => {
  assert.equal(isGood, false)
  const [bad, ...more] = findings.filter(({ verdict }) => verdict === 'bad')
  assert.deepEqual(more, [])
  assert.ok(bad?.fix, 'it does not say what to do')
  const at = findings.indexOf(bad)
  for (const { verdict } of findings.slice(0, at)) assert.ok(['good', 'warning'].includes(verdict))
  for (const { verdict } of findings.slice(at + 1)) assert.equal(verdict, 'unknown')
  return [bad.step, bad.code]
}
const warnings = ({ findings, isGood }: PeerCheck) => {
  assert.equal(isGood, true)
  return findings.filter(({ verdict }) => verdict === 'warning').map(({ step }) => step)
}

describe('a partner with whom all is well', () => {
  test('is good in every step, before any room is shared, and nobody is pinned by it', async () => {
    const found = await check()
    assert.deepEqual(warnings(found), [])
    assert.deepEqual(
      found.findings.map(({ step }) => step),
      [
        ...['policy', 'way', 'name', 'chain', 'issuer', 'revocation', 'key-exchange'],
        ...['our-certificate', 'their-policy', 'protocol', 'state', 'refusal', 'round-trips'],
      ],
    )
    assert.equal(found.roundTripsMs.length, 6)
    const last = await realms.globex.lastEntry()
    assert.deepEqual([last.outcome, last['code']], ['refused', 'kms.unknown-key'])
    assert.deepEqual(await realms.globex.store.read((tx) => tx.peers.pinsOf(ACME_DOMAIN, 10)), [])
  })

  test('but locked, classical, or without lists is warned of', async () => {
    realms.globex.realm.keyring.lock()
    assert.deepEqual(warnings(await check()), ['state'])
    await realms.globex.realm.unlock()
    const link = realms.linkOf(ACME_DOMAIN)
    const classical: CheckParts['link'] = {
      ask: async (...asked) => {
        const reply = await link.ask(...asked)
        return 'refused' in reply
          ? reply
          : { ...reply, connection: { ...CONNECTION, tlsGroup: 'X25519' } }
      },
    }
    assert.deepEqual(warnings(await check({ link: classical })), ['key-exchange'])
    assert.deepEqual(warnings(await check({ isRevocationRequired: false })), ['revocation'])
  })
})

describe('which anchors hold for the partner', () => {
  const chainOf = ({ findings }: PeerCheck) => findings.find(({ step }) => step === 'chain')
  const own = { scope: 'this-domain', sha256: ['aa', 'bb', 'cc', 'dd', 'ee'] } as const

  test('is said where its chain led to one of them, by SHA-256, and at most four', async () => {
    assert.deepEqual(chainOf(await check()), {
      ...{ step: 'chain', verdict: 'good', found: 'anchors for every domain: 1 (SHA-256 aa)' },
    })
    const found = 'anchors for this domain alone: 5 (SHA-256 aa, bb, cc, dd, …)'
    assert.equal(chainOf(await check({ anchors: own }))?.found, found)
  })

  test('is said where it led to none, and where none can be relied upon', async () => {
    const untrusted = { ask: async () => refuse('federation.certificate-untrusted', GLOBEX) }
    const led = chainOf(await check({ link: untrusted, anchors: own }))
    assert.deepEqual(
      [led?.verdict, led?.found?.slice(0, 30)],
      ['bad', 'anchors for this domain alone:'],
    )
    const unusable = { ask: async () => refuse('federation.anchors-unusable', GLOBEX) }
    const shut = await check({ link: unusable, anchors: { scope: 'unusable', sha256: [] } })
    assert.equal(
      chainOf(shut)?.found,
      'no anchor holds: our folder for this domain cannot be relied upon',
    )
    assert.match(chainOf(shut)?.fix ?? '', /preflight/)
  })
})

describe('what stands in the way is named with its step', () => {
  const cases: readonly (readonly [RefusalCode, string])[] = [
    ['federation.unknown-host', 'way'],
    ['federation.peer-unreachable', 'way'],
    ['federation.peer-timed-out', 'way'],
    ['federation.peer-broken', 'way'],
    ['federation.certificate-name', 'name'],
    ['federation.certificate-missing', 'name'],
    ['federation.certificate-unfit', 'name'],
    ['federation.certificate-not-yet-valid', 'chain'],
    ['federation.certificate-expired', 'chain'],
    ['federation.certificate-untrusted', 'chain'],
    ['federation.anchors-unusable', 'chain'],
    ['federation.issuer-may-issue-authorities', 'issuer'],
    ['federation.certificate-revoked', 'revocation'],
    ['federation.crl-missing', 'revocation'],
    ['federation.crl-stale', 'revocation'],
    ['federation.key-exchange-classical', 'key-exchange'],
    ['federation.refused-by-peer', 'our-certificate'],
    ['federation.answer-malformed', 'protocol'],
  ]
  for (const [refused, step] of cases) {
    test(`${refused}`, async () => {
      realms.onLine = async () => ({ refused })
      assert.deepEqual(badStep(await check()), [step, refused])
    })
  }

  test('our own policy', async () => {
    const closed = { policy: somePolicy({ mode: 'closed' }) }
    assert.deepEqual(badStep(await check(closed)), ['policy', 'federation.closed'])
    const listed = { policy: somePolicy({ mode: 'listed' }) }
    assert.deepEqual(badStep(await check(listed)), ['policy', 'federation.not-listed'])
    assert.deepEqual(badStep(await check({ isBlocked: true })), ['policy', 'federation.blocked'])
  })

  test('theirs', async () => {
    const pair = await TwoRealms.open({ globex: { mode: 'listed' } })
    const found = await check({ link: pair.linkOf(ACME_DOMAIN) })
    await pair.close()
    assert.deepEqual(badStep(found), ['their-policy', undefined])
  })

  test('another protocol, another realm than asked for', async () => {
    for (const change of [
      { version: 2 },
      { domain: 'kms.other.example' },
      { version: undefined },
    ]) {
      realms.onLine = async (_crossing, deliver) => {
        const reply = await deliver()
        return 'status' in reply
          ? { ...reply, body: { ...(reply.body as Json), ...change } }
          : reply
      }
      assert.deepEqual(badStep(await check()), ['protocol', undefined])
    }
  })

  test('a partner that gives a key of nobody to nobody', async () => {
    realms.onLine = async ({ question }, deliver) => {
      if (!question.path.endsWith('requests')) return await deliver()
      return { status: 200, body: { answers: [{ status: 200, key: {} }] } }
    }
    const { findings, isGood } = await check()
    assert.equal(isGood, false)
    assert.ok(findings.some(({ step, verdict }) => step === 'refusal' && verdict === 'bad'))
  })

  test('a peer blocked by an administrator is asked for nothing', async () => {
    await blockPeer(realms.acme.ledger, GLOBEX)
    realms.crossings.length = 0
    await check({ isBlocked: true })
    assert.equal(realms.crossings.length, 0)
  })
})
