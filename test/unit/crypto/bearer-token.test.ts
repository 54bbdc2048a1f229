import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jwtVerify, SignJWT } from 'jose'
import { SecretBytes, signBearer, systemRandom, verifyBearer } from '../../../src/crypto/index.ts'

const raw = systemRandom.bytes(32)
const key = SecretBytes.from(raw)
const claims = {
  iss: 'kms://kms.example.test',
  sub: 'kms://kms.example.test/authorizations/1',
  exp: 1,
}

describe('the token of an anonymous bearer', () => {
  const token = signBearer(claims, key)

  it('verifies to the claims that were signed', () => {
    assert.deepEqual(verifyBearer(token, key), claims)
  })

  it('is an ordinary HS256 JWT to jose', async () => {
    const { payload } = await jwtVerify(token, raw, { currentDate: new Date(0) })
    assert.deepEqual(payload, claims)
  })

  it('does not verify under another key, nor with any one character changed', () => {
    assert.equal(verifyBearer(token, SecretBytes.from(systemRandom.bytes(32))), undefined)
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A'
      assert.equal(verifyBearer(token.slice(0, at) + other + token.slice(at + 1), key), undefined)
    }
  })

  it('takes no other algorithm, none included, though the key be right', async () => {
    const long = systemRandom.bytes(64)
    const hs512 = await new SignJWT(claims).setProtectedHeader({ alg: 'HS512' }).sign(long)
    assert.equal(verifyBearer(hs512, SecretBytes.from(long)), undefined)
    const reordered = await new SignJWT(claims)
      .setProtectedHeader({ typ: 'JWT', alg: 'HS256' })
      .sign(raw)
    assert.equal(verifyBearer(reordered, key), undefined)
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`
    assert.equal(verifyBearer(none, key), undefined)
  })

  it('answers undefined for noise', () => {
    const [header = '', payload = ''] = token.split('.')
    const noise = ['', '.', '..', token.slice(1), `${token}.`, `${header}.`, `${header}.${payload}`]
    for (const text of [
      ...noise,
      `${header}..`,
      'x'.repeat(5000),
      `${header}.${'A'.repeat(5000)}.A`,
    ]) {
      assert.equal(verifyBearer(text, key), undefined)
    }
  })
})
