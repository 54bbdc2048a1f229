import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { parseRoots, type TrustProblem } from '../../../src/client/certificates.ts'
import { ClientError } from '../../../src/client/index.ts'
import { validateRealm } from '../../../src/client/validate.ts'
import {
  type Authority,
  anIntermediate,
  aRoot,
  CA,
  derBase64,
  LEAF,
  leafKey,
  make,
  names,
  otherKey,
  publicNumbers,
  type Wanted,
} from './certificates.ts'

const DOMAIN = 'kms.acme.example'
const NOW = Date.UTC(2026, 2, 1)
const root = aRoot()
const intermediate = anIntermediate(root)
const USAGE = { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true }
const GOOD = [LEAF, USAGE, names(DOMAIN)]

const aLeaf = (changes: Partial<Wanted> = {}): Authority =>
  make({ name: DOMAIN, issuer: root, extensions: GOOD, ...changes })

interface Presented {
  readonly chain: readonly Authority[]
  readonly roots?: readonly Authority[]
  readonly jwk?: Record<string, unknown>
  readonly kmsCluster?: string
  readonly now?: number
}

const validate = async ({ chain, roots = [root], jwk, kmsCluster, now = NOW }: Presented) => {
  const rsaPublicKey = JSON.stringify({
    kty: 'RSA',
    kid: `kms://${DOMAIN}/statickeys/1`,
    ...publicNumbers(leafKey),
    x5c: chain.map(derBase64),
    ...jwk,
  })
  const trust = { domain: DOMAIN, roots: roots.flatMap(({ pem }) => parseRoots([pem])) }
  return validateRealm({ kmsCluster: kmsCluster ?? `kms://${DOMAIN}`, rsaPublicKey }, trust, now)
}

const ACCEPTED: readonly (readonly [string, Presented])[] = [
  ['signed by a root', { chain: [aLeaf()] }],
  ['with the root at the end', { chain: [aLeaf(), root] }],
  ['through an intermediate', { chain: [aLeaf({ issuer: intermediate }), intermediate] }],
  [
    'with other names before the right one',
    { chain: [aLeaf({ extensions: [LEAF, USAGE, names('a.example', DOMAIN)] })] },
  ],
  [
    'whose name is written in capitals',
    { chain: [aLeaf({ extensions: [LEAF, USAGE, names(DOMAIN.toUpperCase())] })] },
  ],
  ['that says nothing about key usage', { chain: [aLeaf({ extensions: [LEAF, names(DOMAIN)] })] }],
]

for (const [title, presented] of ACCEPTED) {
  test(`a certificate ${title} is believed`, async () => {
    const { kid } = await validate(presented)
    assert.equal(kid, `kms://${DOMAIN}/statickeys/1`)
  })
}

const weakKey = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const otherRoot = aRoot({ key: otherKey })
const notAnAuthority = anIntermediate(root, { extensions: [LEAF] })
const noSigner = anIntermediate(root, {
  extensions: [CA, { name: 'keyUsage', digitalSignature: true, critical: true }],
})
const shortRoot = aRoot({ extensions: [{ ...CA, pathLenConstraint: 0 }] })
const constrained = anIntermediate(root, {
  extensions: [CA, { id: '2.5.29.30', critical: true, value: '\x30\x00' }],
})

const REFUSED: readonly (readonly [string, TrustProblem, Presented])[] = [
  ['without roots', 'no-roots', { chain: [aLeaf()], roots: [] }],
  ['of another root with the same name', 'unknown-root', { chain: [aLeaf()], roots: [otherRoot] }],
  ['whose intermediate is missing', 'unknown-root', { chain: [aLeaf({ issuer: intermediate })] }],
  [
    'that comes after its issuer',
    'chain-order',
    { chain: [intermediate, aLeaf({ issuer: intermediate }), root] },
  ],
  [
    'whose issuer is no authority',
    'not-an-authority',
    { chain: [aLeaf({ issuer: notAnAuthority }), notAnAuthority] },
  ],
  [
    'whose issuer must not sign certificates',
    'not-an-authority',
    { chain: [aLeaf({ issuer: noSigner }), noSigner] },
  ],
  [
    'on too long a path',
    'path-length',
    { chain: [aLeaf({ issuer: intermediate }), intermediate], roots: [shortRoot] },
  ],
  [
    'below name constraints, which we do not read',
    'name-constraints',
    { chain: [aLeaf({ issuer: constrained }), constrained] },
  ],
  [
    'signed by somebody else under the same name',
    'signature',
    { chain: [aLeaf({ issuer: { ...intermediate, key: otherKey } }), intermediate] },
  ],
  [
    'that is an authority',
    'leaf-is-an-authority',
    { chain: [aLeaf({ extensions: [CA, names(DOMAIN)] })] },
  ],
  ['not valid yet', 'validity', { chain: [aLeaf()], now: Date.UTC(2025, 11, 31) }],
  ['no longer valid', 'validity', { chain: [aLeaf()], now: Date.UTC(2027, 1, 1) }],
  [
    'of a root no longer valid',
    'validity',
    { chain: [aLeaf()], roots: [aRoot({ to: '2026-02-01T00:00:00Z' })] },
  ],
  [
    'with a critical extension that we do not know',
    'critical-extension',
    {
      chain: [
        aLeaf({ extensions: [...GOOD, { id: '1.2.3.4', critical: true, value: '\x05\x00' }] }),
      ],
    },
  ],
  ['with a weak signature', 'weak-signature', { chain: [aLeaf({ hash: 'sha1' })] }],
  [
    'with a weak key',
    'weak-key',
    { chain: [aLeaf({ key: weakKey })], jwk: publicNumbers(weakKey) },
  ],
  [
    'for signing only',
    'key-usage',
    {
      chain: [
        aLeaf({ extensions: [LEAF, { name: 'keyUsage', digitalSignature: true }, names(DOMAIN)] }),
      ],
    },
  ],
  [
    'of another name',
    'name',
    { chain: [aLeaf({ extensions: [LEAF, names('kms.globex.example')] })] },
  ],
  ['with a wildcard', 'name', { chain: [aLeaf({ extensions: [LEAF, names('*.acme.example')] })] }],
  ['whose name is only a common name', 'name', { chain: [aLeaf({ extensions: [LEAF] })] }],
  [
    'whose name only ends like ours',
    'name',
    { chain: [aLeaf({ extensions: [LEAF, names(`x${DOMAIN}`)] })] },
  ],
  ['of another key than the published one', 'key-mismatch', { chain: [aLeaf({ key: otherKey })] }],
  [
    'under a kid of another host',
    'name',
    { chain: [aLeaf()], jwk: { kid: 'kms://kms.globex.example/statickeys/1' } },
  ],
  [
    'under a kid with our host as a user name',
    'name',
    { chain: [aLeaf()], jwk: { kid: `kms://${DOMAIN}@evil.example/statickeys/1` } },
  ],
  ['at another cluster', 'name', { chain: [aLeaf()], kmsCluster: 'kms://kms.globex.example' }],
  ['at a cluster with a path', 'name', { chain: [aLeaf()], kmsCluster: `kms://${DOMAIN}/` }],
  ['in a JWK with a use', 'static-key', { chain: [aLeaf()], jwk: { use: 'enc' } }],
  ['in a JWK with an alg', 'static-key', { chain: [aLeaf()], jwk: { alg: 'PS256' } }],
  ['in a JWK that is not RSA', 'static-key', { chain: [aLeaf()], jwk: { kty: 'EC' } }],
  ['left out', 'chain-length', { chain: [] }],
  ['that is none', 'not-a-certificate', { chain: [], jwk: { x5c: ['AAAA'] } }],
  ['in PEM armour', 'not-a-certificate', { chain: [], jwk: { x5c: [aLeaf().pem] } }],
]

for (const [title, about, presented] of REFUSED) {
  test(`a certificate ${title} is refused: ${about}`, async () => {
    await assert.rejects(validate(presented), (error: unknown) => {
      assert.ok(error instanceof ClientError)
      assert.equal(`${error.code} ${error.about}`, `client.realm-not-trusted ${about}`)
      return true
    })
  })
}

test('a leaf in the list of roots proves nothing', async () => {
  const leaf = aLeaf()
  await assert.rejects(
    validate({ chain: [leaf], roots: [leaf] }),
    (error: unknown) => error instanceof ClientError && error.about === 'leaf-is-an-authority',
  )
})

test('roots that are none stop the client', () => {
  for (const pem of ['', 'no certificate']) {
    assert.throws(
      () => parseRoots([pem]),
      (error: unknown) => error instanceof ClientError && error.about === 'no-roots',
    )
  }
})
