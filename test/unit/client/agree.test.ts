import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOwnHalf, deriveChannelKey, ownHalfOf } from '../../../src/client/agree.ts'
import { ClientError } from '../../../src/client/index.ts'
import {
  agreeP256,
  deriveChannelKey as deriveAtRealm,
  systemRandom,
} from '../../../src/crypto/index.ts'
import { isRefusal } from '../../../src/refusal.ts'

const P256 = { name: 'ECDH', namedCurve: 'P-256' }
const b64u = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

/** Computed by an unmodified client and by node:crypto with equal results. */
const CLIENT = {
  d: 'q-o82VSzkTef065YnML9CtfxgHOft_LH5Pyr_EjJS0c',
  x: 'OMvmRiJadmipEnHc9jmscKCzIk82-C7dp594NgXyuF8',
  y: 'hRTeQ3Qm_calN6fPNip5SqqjV5PIfkGJTDukfKXuVIM',
}
const VECTORS = [
  {
    title: 'an ordinary shared secret',
    x: 'YBfZ8KFiDyELd9-21tsXb-6ujktaofCARTWKEWFkq3s',
    y: 'g5CCMhvsIWUkG2Lr6tJxFnXLncMDr_YNX1T-k5zkxAY',
    z: 'eZ_CWWd9zZOitBU6x1HLiQ6KDlfT8jiPjzaA8vzEc38',
    k: 'WY-QoAfRkIy07Hm5gW9LQQtdTZ70IoFQEQH_6TP2qo4',
  },
  {
    title: 'a shared secret that begins with a zero byte',
    x: 'UiN1Ayt4dn8q1GKJ3FVxxC8pholtUlX--MSR7nvqx-U',
    y: '26sTu-3vrDvbTRB9zVznFskaGkKC7peRLKRHWHdaJSI',
    z: 'ALTf2AG_sgxqVeYxdu-GxhcV-LRPROfXW1Yp_pF6V3M',
    k: 'HVhsgFWXQPwulQ2pMshbubNs_D8-DM2XyaiTrboskIE',
  },
]

const clientHalf = async () => {
  const jwk = { kty: 'EC', crv: 'P-256', ...CLIENT }
  const { d: _, ...open } = jwk
  return ownHalfOf({
    privateKey: await crypto.subtle.importKey('jwk', jwk, P256, true, ['deriveBits']),
    publicKey: await crypto.subtle.importKey('jwk', open, P256, true, []),
  })
}

for (const { title, x, y, z, k } of VECTORS) {
  test(`the known answer is derived from ${title}`, async () => {
    const half = await clientHalf()
    assert.equal(b64u(await half.agree({ kty: 'EC', crv: 'P-256', x, y })), k)
    assert.equal(b64u(deriveChannelKey(Buffer.from(z, 'base64url'))), k)
  })
}

test('client and realm agree on the same key, whoever computes it', async () => {
  for (let round = 0; round < 20; round += 1) {
    const half = await createOwnHalf()
    const agreed = agreeP256(half.publicJwk, systemRandom)
    assert.ok(!isRefusal(agreed))
    const ours = await half.agree(agreed.publicJwk)
    assert.equal(b64u(ours), b64u(deriveAtRealm(agreed.sharedSecret).expose()))
  }
})

test('what is no point of the curve is refused', async () => {
  const half = await createOwnHalf()
  const { x, y } = half.publicJwk
  const wrong = [
    undefined,
    {},
    { kty: 'EC', crv: 'P-384', x, y },
    { kty: 'EC', crv: 'P-256', x: y, y: x },
    { kty: 'EC', crv: 'P-256', x: '', y: '' },
  ]
  for (const theirs of wrong) {
    await assert.rejects(
      half.agree(theirs),
      (error: unknown) => error instanceof ClientError && error.code === 'client.invalid-answer',
    )
  }
})
