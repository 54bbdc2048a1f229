import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCoreFrame, parseRealmFrame } from '../../../src/boundary/index.ts'
import { isRefusal } from '../../../src/refusal.ts'
import { ANSWER, ANSWERS, ANSWERS_PART, DETAILS, HELLO, JWK, MESSAGES, STATE } from './make.ts'

const WELCOME = { type: 'welcome', version: 1 }

test('good frames pass unchanged', () => {
  for (const frame of [HELLO, STATE, ANSWERS, ANSWERS_PART])
    assert.deepEqual(parseRealmFrame(frame), frame)
  for (const frame of [WELCOME, MESSAGES]) assert.deepEqual(parseCoreFrame(frame), frame)
  const { httpDevice: _, ...unnamed } = MESSAGES
  assert.deepEqual(parseCoreFrame(unnamed), unnamed)
  const declined = { ...ANSWERS, answers: [], declined: 'kms.locked' }
  assert.deepEqual(parseRealmFrame(declined), declined)
})

test('each side refuses the frames of its own kind', () => {
  for (const frame of [HELLO, STATE, ANSWERS]) assert.ok(isRefusal(parseCoreFrame(frame)))
  for (const frame of [WELCOME, MESSAGES]) assert.ok(isRefusal(parseRealmFrame(frame)))
})

test('an unknown member refuses the frame, wherever it stands', () => {
  for (const frame of [HELLO, STATE, ANSWERS]) {
    assert.ok(isRefusal(parseRealmFrame({ ...frame, key: 1 })))
  }
  for (const frame of [WELCOME, MESSAGES])
    assert.ok(isRefusal(parseCoreFrame({ ...frame, key: 1 })))
  assert.ok(isRefusal(parseRealmFrame({ ...ANSWERS, answers: [{ ...ANSWER, key: 1 }] })))
  const clear = { ...ANSWER.clear, key: 1 }
  assert.ok(isRefusal(parseRealmFrame({ ...ANSWERS, answers: [{ ...ANSWER, clear }] })))
  assert.ok(isRefusal(parseRealmFrame({ ...STATE, details: { ...DETAILS, key: 1 } })))
})

test('another version is told apart from a malformed frame', () => {
  const codeOf = (raw: unknown) => {
    const parsed = parseRealmFrame(raw)
    return isRefusal(parsed) ? parsed.refused : undefined
  }
  assert.equal(codeOf({ type: 'hello', version: 2, whatever: true }), 'boundary.unknown-version')
  assert.equal(codeOf({ ...HELLO, domain: 'KMS' }), 'boundary.malformed-frame')
})

test('no JWK with a private, secret or unknown member passes', () => {
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'use', 'alg', 'x']) {
    const rsaPublicKey = JSON.stringify({ ...JWK, [member]: 'AQAB' })
    assert.ok(
      isRefusal(parseRealmFrame({ ...STATE, details: { ...DETAILS, rsaPublicKey } })),
      member,
    )
  }
})

test('details that do not belong to the host are refused', () => {
  const withKey = (jwk: unknown) => ({ ...DETAILS, rsaPublicKey: JSON.stringify(jwk) })
  const wrong = [
    { ...DETAILS, kmsCluster: 'kms://kms.globex.example' },
    { ...DETAILS, kmsCluster: 'kms://kms.acme.example/' },
    { ...DETAILS, rsaPublicKey: JWK },
    { ...DETAILS, rsaPublicKey: '{' },
    withKey([]),
    withKey({ ...JWK, kid: 'kms://kms.globex.example/statickeys/1' }),
    withKey({ ...JWK, kty: 'oct' }),
    withKey({ ...JWK, x5c: [] }),
    withKey({ ...JWK, x5c: ['-----BEGIN CERTIFICATE-----'] }),
    withKey({ ...JWK, n: 'a+b' }),
  ]
  for (const details of wrong) assert.ok(isRefusal(parseRealmFrame({ ...HELLO, details })))
})

test('nothing but compact JOSE leaves a realm as an answer', () => {
  const texts = [
    '{"jwk":{}}',
    'plain text',
    '',
    'a.b',
    'a.b.c.d',
    'a.b.c.d.e.f',
    'a.b c.d',
    'ä.b.c',
  ]
  for (const kmsMessage of texts) {
    assert.ok(isRefusal(parseRealmFrame({ ...ANSWERS, answers: [{ ...ANSWER, kmsMessage }] })))
  }
})

test('answers stand in request order, one for each request', () => {
  const at = (n: unknown) => ({ ...ANSWER, n })
  for (const ns of [[0, 0], [1, 0], [50], [-1], [0.5], ['0']]) {
    assert.ok(isRefusal(parseRealmFrame({ ...ANSWERS, answers: ns.map(at) })))
  }
  assert.ok(!isRefusal(parseRealmFrame({ ...ANSWERS, answers: [at(3), at(49)] })))
})

test('a post that was declined has no answers, and a reason from the list', () => {
  assert.ok(isRefusal(parseRealmFrame({ ...ANSWERS, declined: 'kms.locked' })))
  assert.ok(isRefusal(parseRealmFrame({ ...ANSWERS, answers: [], declined: 'tired' })))
})

test('posts are 1 to 50 texts of fair size, by a user with a UUID', () => {
  const wrong = [
    { kmsMessages: [] },
    { kmsMessages: Array(51).fill('m') },
    { kmsMessages: ['x'.repeat(256 * 1024 + 1)] },
    { kmsMessages: [1] },
    { kmsMessages: 'm' },
    { httpUser: 'alice' },
    { httpDevice: 'two words' },
    { sync: 1 },
    { id: '' },
    { trackingId: 'x'.repeat(129) },
  ]
  for (const change of wrong) assert.ok(isRefusal(parseCoreFrame({ ...MESSAGES, ...change })))
})

const GOOD = [HELLO, STATE, ANSWERS, WELCOME, MESSAGES]

/** A good frame with some members replaced or added. */
const spoiled = fc
  .tuple(
    fc.constantFrom<object>(...GOOD),
    fc.dictionary(
      fc.constantFrom(...GOOD.flatMap((frame) => Object.keys(frame)), '__proto__', 'x'),
      fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>(DETAILS, [ANSWER], ANSWER, JWK)),
    ),
  )
  .map(([frame, changes]) => ({ ...frame, ...changes }))

test('any value gives a frame or a Refusal, and what passes once passes again unchanged', () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), spoiled), (raw) => {
      for (const parse of [parseRealmFrame, parseCoreFrame]) {
        const parsed = parse(raw)
        if (!isRefusal(parsed)) assert.deepEqual(parse(parsed), parsed)
      }
    }),
    { numRuns: 500 },
  )
})
