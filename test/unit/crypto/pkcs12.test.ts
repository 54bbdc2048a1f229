// PKCS#12 files from elsewhere: what they ask for is judged before it is done, and what they hold is a key with its chain
// or nothing.

import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import forge from 'node-forge'
import { readPkcs12, SecretBytes } from '../../../src/crypto/index.ts'
import { packPkcs12 } from '../../support/authority.ts'
import { CHAIN_PEM, LEAF_KEY_PEM } from '../../support/world.ts'

const { Class, Type, create, toDer, fromDer, integerToDer, oidToDer } = forge.asn1
type Asn1 = forge.asn1.Asn1

const PASSWORD = 'open sesame'
const ENDLESS = 2 ** 31 - 1
const DATA = '1.2.840.113549.1.7.1'
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6'

const sequence = (...members: Asn1[]): Asn1 => create(Class.UNIVERSAL, Type.SEQUENCE, true, members)
const oid = (name: string): Asn1 =>
  create(Class.UNIVERSAL, Type.OID, false, oidToDer(name).getBytes())
const whole = (value: number): Asn1 =>
  create(Class.UNIVERSAL, Type.INTEGER, false, integerToDer(value).getBytes())
const octets = (bytes: string): Asn1 => create(Class.UNIVERSAL, Type.OCTETSTRING, false, bytes)
const tagged = (value: Asn1[] | string): Asn1 =>
  create(Class.CONTEXT_SPECIFIC, Type.NONE, Array.isArray(value), value)
const bytesOf = (value: Asn1): string => toDer(value).getBytes()

const read = (file: Buffer | Asn1, password = PASSWORD) =>
  readPkcs12(
    Buffer.isBuffer(file) ? file : Buffer.from(bytesOf(file), 'binary'),
    SecretBytes.from(Buffer.from(password)),
  )

const members = (value: Asn1 | undefined): Asn1[] => {
  assert.ok(Array.isArray(value?.value))
  return value.value
}
const textOf = (value: Asn1 | undefined): string => {
  assert.ok(typeof value?.value === 'string')
  return value.value
}

const good = (): Asn1 =>
  fromDer(packPkcs12(LEAF_KEY_PEM, CHAIN_PEM, PASSWORD).toString('binary'), false)

/** The AuthenticatedSafe of a file, as bytes in their OCTET STRING. */
const safeIn = (pfx: Asn1): Asn1 => {
  const [held] = members(members(members(pfx)[1])[1])
  assert.ok(held !== undefined)
  return held
}

/** A file without a MAC around these contents. */
const withoutMac = (...contents: Asn1[]): Asn1 =>
  sequence(whole(3), sequence(oid(DATA), tagged([octets(bytesOf(sequence(...contents)))])))

/** Wherever a count follows a salt, also within strings. */
const raised = (value: Asn1): Asn1 => {
  if (typeof value.value === 'string') {
    if (value.type !== Type.OCTETSTRING || value.tagClass !== Class.UNIVERSAL) return value
    try {
      return octets(bytesOf(raised(fromDer(value.value, false))))
    } catch {
      return value
    }
  }
  const below = value.value.map((one, at, all) =>
    one.type === Type.INTEGER && all[at - 1]?.type === Type.OCTETSTRING
      ? whole(ENDLESS)
      : raised(one),
  )
  return create(value.tagClass, value.type, value.constructed, below)
}

/** The contents of a good file, those of the key with endless counts, sealed as a whole. */
const sealedWithin = (how: (sealed: string) => Asn1): Asn1 => {
  const contents = members(fromDer(textOf(safeIn(good())), false)).map((one) => {
    const inner = raised(fromDer(textOf(members(members(one)[1])[0]), false))
    const [algorithm, sealed] = members(
      forge.pki.encryptPrivateKeyInfo(inner, PASSWORD, { algorithm: 'aes256' }),
    )
    assert.ok(algorithm !== undefined)
    const content = sequence(oid(DATA), algorithm, how(textOf(sealed)))
    return sequence(oid(ENCRYPTED_DATA), tagged([sequence(whole(0), content)]))
  })
  return withoutMac(...contents)
}

describe('a PKCS#12 file that asks for endless work', { timeout: 20_000 }, () => {
  test('is refused for the iterations of its MAC', () => {
    const pfx = good()
    const [version, safe, mac] = members(pfx)
    assert.ok(version && safe && mac)
    const [digest, salt] = members(mac)
    assert.ok(digest && salt)
    const heavy = sequence(version, safe, sequence(digest, salt, whole(ENDLESS)))
    assert.equal(read(heavy), 'too-many-iterations')
    const negative = create(Class.UNIVERSAL, Type.INTEGER, false, '\xff')
    const odd = sequence(version, safe, sequence(digest, salt, negative))
    assert.equal(read(odd), 'too-many-iterations')
    const wide = create(Class.UNIVERSAL, Type.INTEGER, false, '\x01\x00\x00\x00\x00\x00')
    assert.equal(read(sequence(version, safe, sequence(digest, salt, wide))), 'too-many-iterations')
  })

  test('is refused for those of its key', () => {
    const contents = members(fromDer(textOf(safeIn(good())), false))
    assert.equal(read(raised(withoutMac(...contents))), 'too-many-iterations')
  })

  test('is refused for many counts that are each within reason', () => {
    const contents = members(fromDer(textOf(safeIn(good())), false))
    const params = sequence(octets('salt'), whole(900_000))
    assert.equal(read(withoutMac(...contents, params, params, params)), 'too-many-iterations')
  })

  test('is refused for a key within a part that only the password opens', () => {
    assert.equal(read(sealedWithin((sealed) => tagged(sealed))), 'too-many-iterations')
    // BER: the same in pieces.
    const pieces = (sealed: string) =>
      tagged([octets(sealed.slice(0, 100)), octets(sealed.slice(100))])
    assert.equal(read(sealedWithin(pieces)), 'too-many-iterations')
  })

  test('is refused for its size, and for structures within structures', () => {
    assert.equal(read(Buffer.alloc(600 * 1024, 0x30)), 'too-large')
    let deep = whole(1)
    for (let level = 0; level < 60; level += 1) deep = octets(bytesOf(deep))
    assert.equal(read(withoutMac(deep)), 'not-pkcs12-or-wrong-password')
  })
})

describe('a PKCS#12 file', () => {
  test('is opened as programs write it, and without a MAC', () => {
    const content = read(good())
    assert.ok(typeof content === 'object')
    const leaf = new X509Certificate(content.chainPem)
    assert.equal(leaf.raw.toString('hex'), new X509Certificate(CHAIN_PEM).raw.toString('hex'))
    const contents = members(fromDer(textOf(safeIn(good())), false))
    assert.equal(typeof read(withoutMac(...contents)), 'object')
  })

  test('is refused with another password, cut off, or with a byte changed', () => {
    assert.equal(read(good(), ''), 'not-pkcs12-or-wrong-password')
    assert.equal(read(good(), 'open sesam'), 'not-pkcs12-or-wrong-password')
    const bytes = packPkcs12(LEAF_KEY_PEM, CHAIN_PEM, PASSWORD)
    for (let cut = 0; cut < bytes.length; cut += 61) {
      assert.equal(typeof read(bytes.subarray(0, cut)), 'string', `cut at ${cut}`)
    }
    const changed = Buffer.from(bytes)
    changed[Math.floor(bytes.length / 2)] = (changed[Math.floor(bytes.length / 2)] ?? 0) ^ 1
    assert.equal(read(changed), 'not-pkcs12-or-wrong-password')
  })

  test('is refused with two keys, and with the key of another certificate', () => {
    const contents = members(fromDer(textOf(safeIn(good())), false))
    assert.equal(read(withoutMac(...contents, ...contents)), 'not-one-private-key')
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const other = String(privateKey.export({ type: 'pkcs1', format: 'pem' }))
    assert.equal(read(packPkcs12(other, CHAIN_PEM, PASSWORD)), 'no-certificate-of-the-key')
  })

  test('is refused, and not with a library’s error, where a certificate or a key is none', () => {
    const none = (kind: string, value: Asn1): Asn1 =>
      sequence(oid(DATA), tagged([octets(bytesOf(sequence(sequence(oid(kind), tagged([value])))))]))
    const [key = whole(0)] = members(fromDer(textOf(safeIn(good())), false)).slice(-1)
    const certificate = sequence(
      oid('1.2.840.113549.1.9.22.1'),
      tagged([octets(bytesOf(sequence(whole(1))))]),
    )
    const noCertificate = none('1.2.840.113549.1.12.10.1.3', certificate)
    assert.equal(read(withoutMac(key, noCertificate)), 'not-a-key-or-certificate')
    const noKey = none('1.2.840.113549.1.12.10.1.1', sequence(whole(0), sequence(oid(DATA))))
    assert.ok(
      ['not-a-key-or-certificate', 'not-pkcs12-or-wrong-password'].includes(
        String(read(withoutMac(noKey))),
      ),
    )
  })
})
