import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  aesKeyFrom,
  constantTimeEqual,
  sha256,
  sha256Hex,
  systemRandom,
  unwrap,
  wrap,
} from '../../../src/crypto/index.ts'
import { Fault } from '../../../src/fault.ts'

const failed = (error: unknown) => error instanceof Fault && error.code === 'crypto.unwrap-failed'

describe('a wrapped secret', () => {
  const key = aesKeyFrom(systemRandom.bytes(32))
  const secret = systemRandom.bytes(32)
  const name = 'kms://kms.example.test/keys/1 1'
  const wrapped = wrap(key, secret, name, systemRandom)

  it('opens under its key and name', () => {
    assert.deepEqual(Uint8Array.from(unwrap(key, wrapped, name).expose()), secret)
  })

  it('is IV, ciphertext and tag, with a fresh IV each time', () => {
    assert.equal(wrapped.length, 12 + 32 + 16)
    assert.notDeepEqual(wrap(key, secret, name, systemRandom), wrapped)
  })

  it('stays closed when any one bit of it changed', () => {
    for (let at = 0; at < wrapped.length; at += 1) {
      const changed = wrapped.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.throws(() => unwrap(key, changed, name), failed)
    }
  })

  it('stays closed when cut short at any place', () => {
    for (let length = 0; length < wrapped.length; length += 1) {
      assert.throws(() => unwrap(key, wrapped.subarray(0, length), name), failed)
    }
  })

  it('stays closed under another key or another name', () => {
    assert.throws(() => unwrap(aesKeyFrom(systemRandom.bytes(32)), wrapped, name), failed)
    assert.throws(() => unwrap(key, wrapped, 'kms://kms.example.test/keys/1 2'), failed)
  })
})

describe('hash and comparison', () => {
  it('SHA-256 of "abc" is the published one (FIPS 180-4)', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    assert.equal(sha256Hex('abc'), expected)
    assert.equal(Buffer.from(sha256('abc')).toString('hex'), expected)
  })

  it('equal bytes are equal, and other bytes or lengths are not', () => {
    const one = Uint8Array.of(1, 2, 3)
    assert.ok(constantTimeEqual(one, Uint8Array.of(1, 2, 3)))
    assert.ok(!constantTimeEqual(one, Uint8Array.of(1, 2, 4)))
    assert.ok(!constantTimeEqual(one, Uint8Array.of(1, 2)))
  })
})
