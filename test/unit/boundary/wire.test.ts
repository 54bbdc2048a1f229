import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeCoreFrame,
  decodeRealmFrame,
  encodeCoreFrame,
  encodeRealmFrame,
  FRAME_MAX_BYTES,
} from '../../../src/boundary/index.ts'
import { isRefusal } from '../../../src/refusal.ts'
import {
  ANSWER,
  ANSWERS,
  BARE,
  DETAILS,
  HELLO,
  JWK,
  MESSAGES,
  OFFBOARDED,
  OFFBOARDED_DONE,
  OPERATION,
  ROSTERS,
  SEARCH_OF_CORE,
  SEARCH_OF_REALM,
  STATE,
  WITHDRAW,
} from './make.ts'

test('frames survive the wire', () => {
  for (const frame of [HELLO, STATE, ANSWERS, BARE, OFFBOARDED, ...SEARCH_OF_REALM]) {
    assert.deepEqual(decodeRealmFrame(encodeRealmFrame(frame)), frame)
  }
  for (const frame of [
    MESSAGES,
    OPERATION,
    WITHDRAW,
    ROSTERS,
    OFFBOARDED_DONE,
    ...SEARCH_OF_CORE,
  ]) {
    assert.deepEqual(decodeCoreFrame(encodeCoreFrame(frame)), frame)
  }
})

test('a realm cannot send a private key by mistake', () => {
  const rsaPublicKey = JSON.stringify({ ...JWK, d: 'c2VjcmV0' })
  const hello = { ...HELLO, details: { ...DETAILS, rsaPublicKey } }
  assert.throws(() => encodeRealmFrame(hello), { code: 'boundary.unfit-frame' })
})

test('a realm cannot send plaintext as an answer', () => {
  const answers = [{ ...ANSWER, kmsMessage: '{"status":200}' }]
  assert.throws(() => encodeRealmFrame({ ...ANSWERS, answers }), { code: 'boundary.unfit-frame' })
})

test('oversized text is refused before it is read', () => {
  const text = `{"type":"answers","id":"${' '.repeat(FRAME_MAX_BYTES)}"}`
  assert.deepEqual(decodeRealmFrame(text), { refused: 'boundary.oversized-frame' })
  assert.deepEqual(decodeCoreFrame(text), { refused: 'boundary.oversized-frame' })
})

test('any text gives a frame or a Refusal', () => {
  const good = encodeRealmFrame(HELLO)
  const cut = fc.nat(good.length).map((length) => good.slice(0, length))
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), cut), (text) => {
      const parsed = decodeRealmFrame(text)
      assert.ok(isRefusal(parsed) || text === good)
      decodeCoreFrame(text)
    }),
  )
})
