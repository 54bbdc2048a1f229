// Whom a certificate proves, and every way in which one does not.

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { before, describe, test } from 'node:test'
import {
  isPeerTrustProblem,
  type PeerTrust,
  type PeerTrustFiles,
  readPeerIdentity,
  readPeerTrust,
} from '../../../src/crypto/index.ts'
import { Fault } from '../../../src/fault.ts'
import { isRefusal } from '../../../src/refusal.ts'
import { instant } from '../../../src/time.ts'
import {
  CLIENT_AUTH,
  deltaMark,
  makePeerRealm,
  makePeerRoot,
  type Names,
  type PeerAuthority,
  type PeerLeaf,
  SERVER_AUTH,
  strangeMarks,
} from '../../support/peer-certificates.ts'

const DOMAIN = 'kms.globex.example'
const DAY_MS = 86_400_000
const NOW = instant(Date.now())
const at = (days: number): Date => new Date(NOW + days * DAY_MS)

const trusting = (files: Partial<PeerTrustFiles>): PeerTrust => {
  const trust = readPeerTrust({
    anchors: [],
    revocationLists: [],
    isRevocationRequired: false,
    ...files,
  })
  if (isPeerTrustProblem(trust)) throw new Fault('test.unusable')
  return trust
}

const lists = (...pems: readonly string[]): readonly Uint8Array[] =>
  pems.map((pem) => new TextEncoder().encode(pem))

let root: PeerAuthority
let issuer: PeerAuthority
let leaf: PeerLeaf
let trust: PeerTrust

before(async () => {
  ;({ root, issuer, leaf } = await makePeerRealm(DOMAIN))
  trust = trusting({ anchors: [root.pem] })
})

const codeOf = (chain: readonly Uint8Array[], by: PeerTrust = trust, now = NOW): string => {
  const verdict = by.judge({ chain, expected: DOMAIN, now })
  return isRefusal(verdict) ? verdict.refused : verdict.domain
}

const dns = (...names: readonly string[]): Names => names.map((value) => ({ type: 'dns', value }))

describe('a certificate proves its domain', () => {
  test('when an issuer of leaves under our anchor says so', () => {
    const verdict = trust.judge({ chain: leaf.chain, expected: DOMAIN, now: NOW })
    assert.ok(!isRefusal(verdict))
    assert.equal(verdict.domain, DOMAIN)
    assert.match(verdict.sha256, /^[0-9a-f]{64}$/)
    assert.ok(verdict.until > NOW)
  })

  test('also to whoever did not expect anybody in particular', () => {
    const verdict = trust.judge({ chain: leaf.chain, now: NOW })
    assert.ok(!isRefusal(verdict) && verdict.domain === DOMAIN)
  })

  test('with RSA keys, and where the issuer itself is the anchor', async () => {
    const rsa = await makePeerRealm(DOMAIN, 'rsa')
    const own = trusting({ anchors: [rsa.issuer.pem] })
    assert.equal(codeOf(rsa.leaf.chain.slice(0, 1), own), DOMAIN)
  })

  test('until the first certificate or list of the path ends', async () => {
    const list = await issuer.revoke({ to: at(0.5) })
    const bounded = trusting({ anchors: [root.pem], revocationLists: lists(list) })
    const verdict = bounded.judge({ chain: leaf.chain, expected: DOMAIN, now: NOW })
    assert.ok(!isRefusal(verdict))
    assert.ok(Math.abs(verdict.until - at(0.5).getTime()) < 1000)
  })
})

describe('a name is refused as federation.certificate-name', () => {
  const wrong: Readonly<Record<string, Names>> = {
    'that looks alike': dns('kms.g1obex.example'),
    'that is a wildcard': dns('*.globex.example'),
    'beside a second one': dns(DOMAIN, 'kms.acme.example'),
    'that is an address': [{ type: 'ip', value: '192.0.2.7' }],
    'beside an address': [...dns(DOMAIN), { type: 'ip', value: '192.0.2.7' }],
    'that is missing, whatever the common name says': [],
    'with one label only': dns('localhost'),
    'with a dot at the end': dns(`${DOMAIN}.`),
    'of another kind': [{ type: 'email', value: `kms@${DOMAIN}` }],
  }
  for (const [what, names] of Object.entries(wrong)) {
    test(what, async () => {
      const { chain } = await issuer.issue({ names, commonName: DOMAIN })
      assert.equal(codeOf(chain), 'federation.certificate-name')
    })
  }

  test('and tells nobody apart by case', async () => {
    const { chain } = await issuer.issue({ names: dns('KMS.Globex.example') })
    assert.equal(codeOf(chain), DOMAIN)
  })
})

describe('a path is refused', () => {
  test('without any certificate', () => {
    assert.equal(codeOf([]), 'federation.certificate-missing')
  })

  test('that cannot be read', () => {
    assert.equal(codeOf([new Uint8Array([1, 2, 3])]), 'federation.certificate-unfit')
  })

  test('under an anchor that we were not given', async () => {
    const stranger = await makePeerRealm(DOMAIN)
    assert.equal(codeOf(stranger.leaf.chain), 'federation.certificate-untrusted')
  })

  test('whose issuer has the right name and another key', async () => {
    const twin = await makePeerRoot({ name: `${DOMAIN} root` })
    const middle = await twin.authority({ name: `${DOMAIN} issuer`, pathLength: 0 })
    const { chain } = await middle.issue({ names: dns(DOMAIN) })
    assert.equal(codeOf(chain), 'federation.certificate-untrusted')
    // Nor does it help to show the real issuer beside it.
    assert.equal(
      codeOf([chain[0] ?? new Uint8Array(), ...leaf.chain.slice(1)]),
      'federation.certificate-untrusted',
    )
  })

  test('whose issuer may issue authorities, and says that', async () => {
    const open = await root.authority({ name: 'open issuer' })
    const one = await root.authority({ name: 'issuer of issuers', pathLength: 1 })
    for (const authority of [open, one, root]) {
      const { chain } = await authority.issue({ names: dns(DOMAIN) })
      assert.equal(codeOf(chain), 'federation.issuer-may-issue-authorities')
    }
  })

  test('on which an authority stands below one that may have none', async () => {
    const below = await issuer.authority({ name: 'hidden', pathLength: 0 })
    const { chain } = await below.issue({ names: dns(DOMAIN) })
    assert.equal(codeOf(chain), 'federation.certificate-untrusted')
  })

  test('on which somebody signed who is no authority', async () => {
    const posing = await root.authority({ name: 'posing', isAuthority: false })
    const { chain } = await posing.issue({ names: dns(DOMAIN) })
    assert.equal(codeOf(chain), 'federation.certificate-untrusted')
  })

  test('that is too long to be one of ours', async () => {
    let authority = await root.authority({ name: 'a1' })
    for (const name of ['a2', 'a3', 'a4']) authority = await authority.authority({ name })
    const last = await authority.authority({ name: 'a5', pathLength: 0 })
    const { chain } = await last.issue({ names: dns(DOMAIN) })
    assert.equal(codeOf(chain), 'federation.certificate-untrusted')
  })

  test('that says something critical which nobody understands', async () => {
    for (const mark of strangeMarks()) {
      const { chain } = await issuer.issue({ names: dns(DOMAIN), extensions: [mark] })
      assert.equal(codeOf(chain), 'federation.certificate-unfit')
    }
  })

  test('whose leaf is an authority, may not sign, or is not meant for both ends', async () => {
    const names = dns(DOMAIN)
    for (const wrong of [
      { isAuthority: true },
      { isForEncryption: true },
      { uses: [] },
      { uses: [SERVER_AUTH] },
      { uses: [CLIENT_AUTH] },
    ]) {
      const { chain } = await issuer.issue({ names, ...wrong })
      assert.equal(codeOf(chain), 'federation.certificate-unfit')
    }
  })
})

describe('time decides', () => {
  test('before and after a leaf', async () => {
    const names = dns(DOMAIN)
    const young = await issuer.issue({ names, from: at(1), to: at(2) })
    const old = await issuer.issue({ names, from: at(-2), to: at(-1) })
    assert.equal(codeOf(young.chain), 'federation.certificate-not-yet-valid')
    assert.equal(codeOf(old.chain), 'federation.certificate-expired')
    assert.equal(codeOf(young.chain, trust, instant(at(1.5).getTime())), DOMAIN)
  })

  test('and after an issuer, whatever its leaves say', async () => {
    const over = await root.authority({ name: 'over', pathLength: 0, from: at(-3), to: at(-1) })
    const { chain } = await over.issue({ names: dns(DOMAIN) })
    assert.equal(codeOf(chain), 'federation.certificate-expired')
  })
})

describe('a revocation list', () => {
  const withLists = (...pems: readonly string[]): PeerTrust =>
    trusting({ anchors: [root.pem], revocationLists: lists(...pems) })

  test('of the issuer takes a certificate away, and no other', async () => {
    const other = await issuer.issue({ names: dns(DOMAIN) })
    const by = withLists(await issuer.revoke({ serials: [leaf.serial] }))
    assert.equal(codeOf(leaf.chain, by), 'federation.certificate-revoked')
    assert.equal(codeOf(other.chain, by), DOMAIN)
  })

  test('takes one away with RSA too', async () => {
    const rsa = await makePeerRealm(DOMAIN, 'rsa')
    const list = await rsa.issuer.revoke({ serials: [rsa.leaf.serial] })
    const by = trusting({ anchors: [rsa.root.pem], revocationLists: lists(list) })
    assert.equal(codeOf(rsa.leaf.chain, by), 'federation.certificate-revoked')
  })

  test('of the root takes an issuer away with all its leaves', async () => {
    const bad = await root.authority({ name: 'bad', pathLength: 0 })
    const { chain } = await bad.issue({ names: dns(DOMAIN) })
    const parsed = chain[1] ?? new Uint8Array()
    const { serialNumber } = new X509Certificate(parsed)
    const by = withLists(await root.revoke({ serials: [serialNumber] }))
    assert.equal(codeOf(chain, by), 'federation.certificate-revoked')
    assert.equal(codeOf(leaf.chain, by), DOMAIN)
  })

  test('of somebody else with the same name is not heard', async () => {
    const twinRoot = await makePeerRoot({ name: 'somebody else' })
    const twin = await twinRoot.authority({ name: `${DOMAIN} issuer`, pathLength: 0 })
    const by = withLists(await twin.revoke({ serials: [leaf.serial] }))
    assert.equal(codeOf(leaf.chain, by), DOMAIN)
  })

  test('that is stale refuses whom it does not name, and one of tomorrow too', async () => {
    const stale = withLists(await issuer.revoke({ from: at(-2), to: at(-1) }))
    const early = withLists(await issuer.revoke({ from: at(1), to: at(2) }))
    assert.equal(codeOf(leaf.chain, stale), 'federation.crl-stale')
    assert.equal(codeOf(leaf.chain, early), 'federation.crl-stale')
  })

  test('that is stale still takes away whom it names', async () => {
    const stale = withLists(
      await issuer.revoke({ serials: [leaf.serial], from: at(-2), to: at(-1) }),
    )
    assert.equal(codeOf(leaf.chain, stale), 'federation.certificate-revoked')
  })

  test('a fresh one beside a stale one is enough', async () => {
    const both = withLists(
      await issuer.revoke({ from: at(-2), to: at(-1) }),
      await issuer.revoke({}),
    )
    assert.equal(codeOf(leaf.chain, both), DOMAIN)
  })

  test('is missed where lists are required, of every issuer on the path', async () => {
    const required = { anchors: [root.pem], isRevocationRequired: true }
    const issuerList = await issuer.revoke({})
    const rootList = await root.revoke({})
    const half = trusting({ ...required, revocationLists: lists(issuerList) })
    const whole = trusting({ ...required, revocationLists: lists(issuerList, rootList) })
    assert.equal(codeOf(leaf.chain, trusting(required)), 'federation.crl-missing')
    assert.equal(codeOf(leaf.chain, half), 'federation.crl-missing')
    assert.equal(codeOf(leaf.chain, whole), DOMAIN)
  })
})

describe('files that cannot be relied upon in full are no trust at all', () => {
  const problemOf = (files: Partial<PeerTrustFiles>): unknown =>
    readPeerTrust({ anchors: [], revocationLists: [], isRevocationRequired: false, ...files })

  test('an anchor that is none, is a leaf, or is no text', () => {
    assert.deepEqual(problemOf({ anchors: [root.pem, 'nothing'] }), { unusable: 'anchor', at: 1 })
    assert.deepEqual(problemOf({ anchors: [leaf.pem] }), { unusable: 'anchor', at: 0 })
  })

  test('a list cut short, or with a critical extension that nobody understands', async () => {
    const whole = await issuer.revoke({})
    const partial = await issuer.revoke({ extensions: [deltaMark()] })
    const unusable = { unusable: 'revocation-list', at: 0 }
    const cut = Buffer.from(whole.replaceAll(/-----.*-----/g, ''), 'base64').subarray(0, 80)
    assert.deepEqual(problemOf({ revocationLists: [cut] }), unusable)
    assert.deepEqual(problemOf({ revocationLists: lists(partial) }), unusable)
    assert.deepEqual(problemOf({ revocationLists: lists('') }), unusable)
  })

  test('while DER is as good as PEM', async () => {
    const pem = await issuer.revoke({ serials: [leaf.serial] })
    const der = Buffer.from(pem.replaceAll(/-----.*-----/g, ''), 'base64')
    const by = trusting({ anchors: [root.pem], revocationLists: [der] })
    assert.equal(codeOf(leaf.chain, by), 'federation.certificate-revoked')
  })
})

describe('a judgement that was made before', () => {
  const judge = (by: PeerTrust, now: number, expected = DOMAIN) => {
    const verdict = by.judge({ chain: leaf.chain, expected, now: instant(now) })
    return isRefusal(verdict) ? verdict.refused : verdict.domain
  }

  test('is the same again, for that name and no other', () => {
    const own = trusting({ anchors: [root.pem] })
    assert.equal(judge(own, NOW), DOMAIN)
    assert.equal(judge(own, NOW), DOMAIN)
    assert.equal(judge(own, NOW, 'kms.acme.example'), 'federation.certificate-name')
  })

  test('is not relied upon before it was made, or after a list or a certificate has ended', async () => {
    const list = await issuer.revoke({ to: at(1) })
    const own = trusting({ anchors: [root.pem], revocationLists: lists(list) })
    assert.equal(judge(own, NOW), DOMAIN)
    assert.equal(judge(own, NOW + 2 * DAY_MS), 'federation.crl-stale')
    assert.equal(judge(trust, NOW), DOMAIN)
    assert.equal(judge(trust, NOW - 2 * DAY_MS), 'federation.certificate-not-yet-valid')
    assert.equal(judge(trust, NOW + 40 * DAY_MS), 'federation.certificate-expired')
  })

  test('says nothing of a chain that differs in one byte', () => {
    const own = trusting({ anchors: [root.pem] })
    assert.equal(judge(own, NOW), DOMAIN)
    const changed = leaf.chain.map((der) => Uint8Array.from(der))
    const last = changed[0]
    assert.ok(last)
    last[last.length - 1] = (last.at(-1) ?? 0) ^ 1
    const verdict = own.judge({ chain: changed, expected: DOMAIN, now: NOW })
    assert.ok(isRefusal(verdict))
  })
})

describe('what a realm shows its peers', () => {
  const identity = (chainPem: string, keyPem: string) =>
    readPeerIdentity({ chainPem, keyPem, domain: DOMAIN })

  test('is a certificate of exactly its name with its own key, and says until when', () => {
    const shown = identity(leaf.chainPem, leaf.keyPem)
    assert.equal(shown?.validUntil, Date.parse(new X509Certificate(leaf.pem).validTo))
  })

  test('is nothing with the key of another, under another name, or without a certificate', async () => {
    const other = await issuer.issue({ names: dns(DOMAIN) })
    const two = await issuer.issue({ names: dns(DOMAIN, 'kms.acme.example') })
    assert.equal(identity(leaf.chainPem, other.keyPem), undefined)
    assert.equal(identity(two.chainPem, two.keyPem), undefined)
    assert.equal(identity('none', leaf.keyPem), undefined)
    assert.equal(identity(leaf.chainPem, 'none'), undefined)
  })
})
