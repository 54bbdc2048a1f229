import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  checkIdentityProfile,
  isCertificateProblem,
  readCertificateChain,
  readRsaPrivateKey,
  SecretBytes,
  staticJwkOf,
} from '../../../src/crypto/index.ts'
import { instant } from '../../../src/time.ts'
import { certificate, DNS, IP, pkcs8Of, rsaKey, URI, type Wanted } from './certificates.ts'

const DOMAIN = 'kms.example.test'
const KID = `kms://${DOMAIN}/statickeys/1`
const NOW = instant(Date.parse('2026-06-01T00:00:00Z'))
const EC_LEAF = `-----BEGIN CERTIFICATE-----
MIIBpjCCAU2gAwIBAgIUKlzE0dU3ZNXuq8o9lC4M0SA7BxwwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQa21zLmV4YW1wbGUudGVzdDAgFw0yNjExMjIwMzMyNDdaGA8y
MTI2MTAyOTAzMzI0N1owGzEZMBcGA1UEAwwQa21zLmV4YW1wbGUudGVzdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABHxNucBptHyesO/ObwFmt0RqhYXRf9Q6eC8N
vB/CjFUkYcX7UMEEGK7F201GBkEvczKWhX3ild5LYPJLdBxZ16ijbTBrMB0GA1Ud
DgQWBBTS/AyqpbEGCuvPo9IZPl4VA5tEYTAfBgNVHSMEGDAWgBTS/AyqpbEGCuvP
o9IZPl4VA5tEYTAbBgNVHREEFDASghBrbXMuZXhhbXBsZS50ZXN0MAwGA1UdEwEB
/wQCMAAwCgYIKoZIzj0EAwIDRwAwRAIgEtIRazhRRzsnPdVidDOyJyUAbMKfBWJw
wP93ATIIaPACICT5HdPCxf9SwKCQWYvpCXwiRYhmKvbYy7ahcYmFShMT
-----END CERTIFICATE-----
`

const key = rsaKey()
const root = { commonName: 'root', key: rsaKey() }
const intermediate = { commonName: 'intermediate', key: rsaKey() }
const rootPem = certificate({ ...root, isAuthority: true })
const intermediatePem = certificate({ ...intermediate, issuer: root, isAuthority: true })
const leafPem = (change: Partial<Wanted> = {}) =>
  certificate({
    commonName: DOMAIN,
    key,
    issuer: intermediate,
    altNames: [{ type: DNS, value: DOMAIN }],
    ...change,
  })
const leaf = leafPem()
const chainOf = (...pems: readonly string[]) => {
  const chain = readCertificateChain(pems.join(''))
  assert.ok(!isCertificateProblem(chain))
  return chain
}
const check = (pems: readonly string[], change: { privateKey?: SecretBytes; now?: number } = {}) =>
  checkIdentityProfile({
    chain: chainOf(...pems),
    privateKey: change.privateKey ?? SecretBytes.from(pkcs8Of(key)),
    domain: DOMAIN,
    now: instant(change.now ?? NOW),
  })

describe('the identity profile', () => {
  it('fits: leaf and intermediate, with and without the root, or a leaf alone', () => {
    assert.equal(check([leaf, intermediatePem]), undefined)
    assert.equal(check([leaf, intermediatePem, rootPem]), undefined)
    assert.equal(check([leaf]), undefined)
  })

  it('fits a name in upper case, since clients lower-case it', () => {
    assert.equal(
      check([leafPem({ altNames: [{ type: DNS, value: DOMAIN.toUpperCase() }] })]),
      undefined,
    )
  })

  const names: Readonly<Record<string, readonly object[]>> = {
    none: [],
    another: [{ type: DNS, value: 'kms.example.tes' }],
    'a wildcard': [{ type: DNS, value: '*.example.test' }],
    'two names': [
      { type: DNS, value: DOMAIN },
      { type: DNS, value: 'other.example.test' },
    ],
    'the name twice': [
      { type: DNS, value: DOMAIN },
      { type: DNS, value: DOMAIN },
    ],
    'an address after the name': [
      { type: DNS, value: DOMAIN },
      { type: IP, ip: '127.0.0.1' },
    ],
    'an address before the name': [
      { type: IP, ip: '127.0.0.1' },
      { type: DNS, value: DOMAIN },
    ],
    'a URI': [{ type: URI, value: `kms://${DOMAIN}` }],
    'a URI that prints like a name': [{ type: URI, value: `x, DNS:${DOMAIN}` }],
    'a name with a quoting trick': [{ type: DNS, value: `${DOMAIN}, DNS:${DOMAIN}` }],
    'a name with a zero byte': [{ type: DNS, value: `${DOMAIN}\u0000.evil.test` }],
    'a trailing dot': [{ type: DNS, value: `${DOMAIN}.` }],
  }
  for (const [name, altNames] of Object.entries(names)) {
    it(`refuses alternative names: ${name}`, () => {
      assert.deepEqual(check([leafPem({ altNames })]), { problem: 'name-mismatch', at: 0 })
    })
  }

  it('refuses an authority as leaf', () => {
    const problem = { problem: 'leaf-is-an-authority', at: 0 }
    assert.deepEqual(check([leafPem({ isAuthority: true })]), problem)
  })

  it('refuses a short key and a key that is not RSA', () => {
    const small = rsaKey(1024)
    assert.deepEqual(check([leafPem({ key: small })]), { problem: 'key-size', at: 0 })
    assert.deepEqual(check([EC_LEAF]), { problem: 'not-an-rsa-key', at: 0 })
  })

  it('refuses the private key of something else, and what is no private key', () => {
    const other = SecretBytes.from(pkcs8Of(root.key))
    assert.deepEqual(check([leaf], { privateKey: other }), { problem: 'other-private-key', at: 0 })
    const noise = SecretBytes.from(new Uint8Array(10))
    assert.deepEqual(check([leaf], { privateKey: noise }), { problem: 'not-an-rsa-key' })
  })

  it('refuses a chain with a gap, in another order, or through a forged issuer', () => {
    const gap = { problem: 'chain-not-in-order', at: 1 }
    assert.deepEqual(check([leaf, rootPem]), gap)
    assert.deepEqual(check([leaf, rootPem, intermediatePem]), gap)
    const forged = certificate({ commonName: 'intermediate', key: rsaKey(), isAuthority: true })
    assert.deepEqual(check([leaf, forged]), gap)
    assert.deepEqual(check([leaf, intermediatePem, intermediatePem]), { ...gap, at: 2 })
  })

  it('refuses an issuer that is no authority', () => {
    const powerless = certificate({ ...intermediate, issuer: root })
    assert.deepEqual(check([leaf, powerless]), { problem: 'issuer-is-no-authority', at: 1 })
  })

  it('refuses what is not valid now, anywhere in the chain', () => {
    const pems = [leaf, intermediatePem]
    const early = Date.parse('2025-12-31T23:59:59Z')
    assert.deepEqual(check(pems, { now: early }), { problem: 'not-yet-valid', at: 0 })
    const late = Date.parse('2027-01-01T00:00:01Z')
    assert.deepEqual(check(pems, { now: late }), { problem: 'expired', at: 0 })
    const old = certificate({
      ...intermediate,
      issuer: root,
      isAuthority: true,
      to: '2026-05-31T00:00:00Z',
    })
    assert.deepEqual(check([leaf, old]), { problem: 'expired', at: 1 })
  })
})

describe('files of an identity', () => {
  it('a chain holds certificates and nothing else', () => {
    const privatePem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const problems: Readonly<Record<string, string>> = {
      '': 'not-pem',
      'hello\n': 'not-pem',
      [`${leaf}rubbish`]: 'not-pem',
      [`Bag Attributes\n${leaf}`]: 'not-pem',
      [leaf + privatePem]: 'not-a-certificate',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n': 'not-a-certificate',
      [leaf.repeat(9)]: 'too-many-certificates',
      [' '.repeat(200_000)]: 'not-pem',
    }
    for (const [pem, problem] of Object.entries(problems)) {
      const chain = readCertificateChain(pem)
      assert.ok(isCertificateProblem(chain))
      assert.equal(chain.problem, problem)
    }
  })

  it('a private key is read from PKCS#8 and PKCS#1, and only if it is RSA', () => {
    const pemOf = (type: 'pkcs1' | 'pkcs8') =>
      SecretBytes.from(Buffer.from(key.export({ type, format: 'pem' })))
    for (const type of ['pkcs1', 'pkcs8'] as const) {
      const read = readRsaPrivateKey(pemOf(type))
      assert.ok(!isCertificateProblem(read))
      assert.deepEqual(Buffer.from(read.expose()), pkcs8Of(key))
    }
    for (const bad of ['', 'x', leaf]) {
      const problem = readRsaPrivateKey(SecretBytes.from(Buffer.from(bad)))
      assert.deepEqual(problem, { problem: 'not-an-rsa-key' })
    }
  })
})

describe('the published static key', () => {
  const jwk = staticJwkOf(chainOf(leaf, intermediatePem), KID)

  it('has kty, kid, n, e and x5c, in this order, and nothing else', () => {
    assert.deepEqual(Object.keys(jwk), ['kty', 'kid', 'n', 'e', 'x5c'])
    assert.deepEqual([jwk.kty, jwk.kid, jwk.e], ['RSA', KID, 'AQAB'])
    assert.equal(Buffer.from(jwk.n, 'base64url').length, 256)
  })

  it('holds the chain in standard base64, leaf first', () => {
    assert.deepEqual(
      jwk.x5c,
      [leaf, intermediatePem].map((pem) => pem.replaceAll(/-----.*-----|\s/g, '')),
    )
  })
})
