// Laws of the crypto room: what was sealed opens to the same, and no text whatever makes a parser throw.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  aesKeyFrom,
  agreeP256,
  decodeB64u,
  decodeUtf8,
  directHeader,
  encodeB64u,
  isCertificateProblem,
  openDirect,
  openWithPassphrase,
  parseCompactJwe,
  readCertificateChain,
  SecretBytes,
  sealDirect,
  signBearer,
  systemRandom,
  unwrap,
  verifyBearer,
  wrap,
} from '../../src/crypto/index.ts'
import { openSession, sortSealed } from '../../src/protocol/channel/open.ts'
import { parseStaticKeyUri } from '../../src/protocol/channel/static-key.ts'
import { isRefusal } from '../../src/refusal.ts'

const key = aesKeyFrom(systemRandom.bytes(32))
const macKey = SecretBytes.from(systemRandom.bytes(32))
const sample = sealDirect('{"a":1}', key, directHeader('kms://a/ecdhe/1'), systemRandom)

/** Texts that come close: anything, base64url in five parts, JSON headers, a real message damaged. */
const b64uPart = fc.uint8Array({ maxLength: 40 }).map(encodeB64u)
const header = fc
  .oneof(
    fc.json(),
    fc
      .dictionary(fc.constantFrom('alg', 'enc', 'kid', 'zip', 'typ'), fc.string())
      .map((each) => JSON.stringify({ alg: 'dir', enc: 'A256GCM', ...each })),
    fc.string(),
  )
  .map((text) => Buffer.from(text).toString('base64url'))
const damaged = fc
  .tuple(fc.nat(sample.length), fc.nat(8), fc.string({ maxLength: 4 }))
  .map(([at, cut, put]) => sample.slice(0, at) + put + sample.slice(at + cut))
const nearMessage = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(b64uPart, { maxLength: 7 }).map((parts) => parts.join('.')),
  fc.tuple(header, b64uPart, b64uPart, b64uPart, b64uPart).map((parts) => parts.join('.')),
  damaged,
)

describe('laws of sealing', () => {
  it('open(seal(x)) = x, for text and bytes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.uint8Array(),
        fc.webUrl(),
        (text, bytes, kid) => {
          const sealed = sealDirect(text, key, directHeader(kid), systemRandom)
          assert.equal(decodeUtf8(openDirect(sealed, key) ?? Buffer.of(0xff)), text)
          assert.equal(parseCompactJwe(sealed)?.header.kid, kid)
          const sealedBytes = sealDirect(bytes, key, directHeader(), systemRandom)
          assert.deepEqual(Uint8Array.from(openDirect(sealedBytes, key) ?? []), bytes)
        },
      ),
    )
  })

  it('unwrap(wrap(x)) = x under the same name only', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.string(), (bytes, name, other) => {
        const wrapped = wrap(key, bytes, name, systemRandom)
        assert.deepEqual(Uint8Array.from(unwrap(key, wrapped, name).expose()), bytes)
        if (other !== name) assert.throws(() => unwrap(key, wrapped, other))
      }),
    )
  })

  it('base64url has one text for each byte string', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, text) => {
        assert.deepEqual(Uint8Array.from(decodeB64u(encodeB64u(bytes)) ?? [1]), bytes)
        const decoded = decodeB64u(text)
        if (decoded !== undefined) assert.equal(encodeB64u(decoded), text)
      }),
    )
  })

  it('a bearer token verifies to its claims', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 }), (claims) => {
        const token = signBearer(claims, macKey)
        if (token.length > 4096) return
        assert.deepEqual(verifyBearer(token, macKey), JSON.parse(JSON.stringify(claims)))
      }),
    )
  })
})

describe('any text gives a value or a refusal, never a throw', () => {
  it('sealed messages', () => {
    fc.assert(
      fc.property(nearMessage, (text) => {
        const message = sortSealed(text, 5000)
        if (isRefusal(message)) return
        const opened = openSession(message, key)
        assert.ok(isRefusal(opened) || text === sample)
      }),
      { numRuns: 2000 },
    )
  })

  it('client halves', () => {
    const coordinate = fc.oneof(
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map(encodeB64u),
      fc.anything(),
    )
    const jwk = fc.record({
      kty: fc.constant('EC'),
      crv: fc.constant('P-256'),
      x: coordinate,
      y: coordinate,
    })
    fc.assert(
      fc.property(fc.oneof(fc.anything(), jwk), (raw) => {
        assert.deepEqual(agreeP256(raw, systemRandom), { refused: 'request.invalid-point' })
      }),
    )
  })

  it('tokens, names of static keys, certificates and sealed files', () => {
    const passphrase = SecretBytes.from(Buffer.from('x'))
    const nearSealed = fc.tuple(fc.jsonValue(), fc.jsonValue()).map(([kdf, rest]) =>
      JSON.stringify({
        format: 'keyrealm-sealed-file',
        version: 1,
        cipher: 'A256GCM',
        kdf,
        about: rest,
      }),
    )
    fc.assert(
      fc.property(fc.oneof(nearMessage, fc.json(), nearSealed), (text) => {
        assert.equal(verifyBearer(text, macKey), undefined)
        assert.equal(parseStaticKeyUri(text), undefined)
        assert.ok(isCertificateProblem(readCertificateChain(text)))
        assert.equal(typeof openWithPassphrase(text, passphrase, 'x'), 'string')
      }),
    )
  })
})
