import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { aesKeyFrom, rsaPrivateKeyFrom, SecretBytes } from '../../../src/crypto/index.ts'
import { Fault } from '../../../src/fault.ts'

const fault = (code: string) => (error: unknown) => error instanceof Fault && error.code === code
const MARK = 'a1b2c3d4'
const marked = () => Buffer.from(MARK.repeat(8), 'hex')

describe('a secret', () => {
  const secret = SecretBytes.from(marked())
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const rsaKey = rsaPrivateKeyFrom(SecretBytes.from(pkcs8))
  const aesKey = aesKeyFrom(secret)

  for (const [name, value] of Object.entries({ secret, aesKey, rsaKey })) {
    it(`${name} never prints`, () => {
      const printed = `${value} ${inspect(value, { depth: 9, showHidden: true })} ${String(value)}`
      assert.match(printed, /\[secret\]/)
      for (const bytes of [marked(), pkcs8.subarray(40, 44)]) {
        assert.doesNotMatch(printed, new RegExp(bytes.subarray(0, 4).toString('hex')))
        assert.doesNotMatch(printed, new RegExp([...bytes.subarray(0, 4)].join(', ')))
      }
    })

    it(`${name} refuses JSON`, () => {
      assert.throws(() => JSON.stringify({ value }), fault('crypto.secret-serialised'))
    })

    it(`${name} does not survive a structured clone`, () => {
      assert.doesNotMatch(inspect(structuredClone({ ...value }), { depth: 9 }), /a1|161/)
    })
  }

  it('is exposed as it was given', () => {
    assert.deepEqual(Buffer.from(SecretBytes.from(marked()).expose()), marked())
  })

  it('is overwritten when wiped, and gone', () => {
    const bytes = marked()
    const wiped = SecretBytes.from(bytes)
    wiped.wipe()
    wiped.wipe()
    assert.ok(bytes.every((byte) => byte === 0))
    assert.throws(() => wiped.expose(), fault('crypto.secret-wiped'))
  })

  it('is wiped at the end of a using block', () => {
    const bytes = marked()
    {
      using held = SecretBytes.from(bytes)
      assert.equal(held.expose()[0], 0xa1)
    }
    assert.equal(bytes[0], 0)
  })

  it('an AES key outlives the wiping of the secret it was made from, and has 32 bytes', () => {
    assert.throws(() => aesKeyFrom(new Uint8Array(16)), fault('crypto.wrong-key-length'))
    assert.throws(() => aesKeyFrom(new Uint8Array(33)), fault('crypto.wrong-key-length'))
  })

  it('an RSA key is RSA of 2048 to 4096 bits or a fault', () => {
    const der = (key: import('node:crypto').KeyObject) =>
      SecretBytes.from(key.export({ type: 'pkcs8', format: 'der' }))
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    for (const bad of [der(small), der(curve), SecretBytes.from(new Uint8Array(40))]) {
      assert.throws(() => rsaPrivateKeyFrom(bad), fault('crypto.not-an-rsa-key'))
    }
  })
})
