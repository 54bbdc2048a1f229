import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCoreFrame, parseRealmFrame } from '../../../src/boundary/index.ts'
import { isRefusal } from '../../../src/refusal.ts'
import {
  ANSWER,
  ANSWERS,
  ANSWERS_PART,
  BARE,
  DETAILS,
  HELLO,
  JWK,
  MESSAGES,
  OFFBOARDED,
  OFFBOARDED_DONE,
  OPERATION,
  PART,
  ROSTERS,
  SEARCH_OF_CORE,
  SEARCH_OF_REALM,
  STATE,
  WITHDRAW,
} from './make.ts'

const WELCOME = { type: 'welcome', version: 1 }
const OF_REALM = [HELLO, STATE, ANSWERS, ANSWERS_PART, BARE, OFFBOARDED, ...SEARCH_OF_REALM]
const OF_CORE = [
  WELCOME,
  MESSAGES,
  OPERATION,
  WITHDRAW,
  ROSTERS,
  OFFBOARDED_DONE,
  ...SEARCH_OF_CORE,
]

test('good frames pass unchanged', () => {
  for (const frame of OF_REALM) assert.deepEqual(parseRealmFrame(frame), frame)
  for (const frame of OF_CORE) assert.deepEqual(parseCoreFrame(frame), frame)
  const { httpDevice: _, ...unnamed } = MESSAGES
  assert.deepEqual(parseCoreFrame(unnamed), unnamed)
  const declined = { ...ANSWERS, answers: [], declined: 'kms.locked' }
  assert.deepEqual(parseRealmFrame(declined), declined)
})

test('each side refuses the frames of its own kind', () => {
  for (const frame of OF_REALM) assert.ok(isRefusal(parseCoreFrame(frame)))
  for (const frame of OF_CORE) assert.ok(isRefusal(parseRealmFrame(frame)))
})

test('an unknown member refuses the frame, wherever it stands', () => {
  for (const frame of OF_REALM) assert.ok(isRefusal(parseRealmFrame({ ...frame, key: 1 })))
  for (const frame of OF_CORE) assert.ok(isRefusal(parseCoreFrame({ ...frame, key: 1 })))
  assert.ok(isRefusal(parseCoreFrame({ ...OPERATION, part: { ...PART, key: 1 } })))
  assert.ok(isRefusal(parseCoreFrame({ ...ROSTERS, rooms: [{ ...ROSTERS.rooms[0], key: 1 }] })))
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

test('an answer without anything sealed says in clear what became of its operation', () => {
  const { clear } = ANSWER
  for (const answer of [{ n: 0 }, { n: 0, deliverTo: ANSWER.deliverTo, clear }, { clear }]) {
    assert.ok(isRefusal(parseRealmFrame({ ...ANSWERS, answers: [answer] })))
  }
})

test('an operation is one sealed message of the named user, and somebody waits for it', () => {
  const other = '27d4c915-8e3a-4b0f-9d61-c5a8f47b6302'
  const wrong = [
    { sync: false },
    { kmsMessages: ['a', 'b'] },
    { httpUser: other },
    { part: null },
    { part: { ...PART, user: 'alice' } },
    { part: { ...PART, operation: 'retrieve-key' } },
    { part: { ...PART, resourceUri: 'https://kms.acme.example/resources/0d9a' } },
    { part: { ...PART, keyUris: PART.keyUris?.[0] } },
    { part: { ...PART, subjects: ['bob'] } },
    ...[-1, 0.5, 101, '1', null].map((anonymous) => ({ part: { ...PART, anonymous } })),
    { part: { ...PART, subjects: Array(5001).fill(other) } },
  ]
  for (const change of wrong) assert.ok(isRefusal(parseCoreFrame({ ...OPERATION, ...change })))
  const bare = { ...OPERATION, part: { user: PART.user, operation: 'create-resource' } }
  assert.deepEqual(parseCoreFrame(bare), bare)
})

test('rosters name resources, people and keys by their URIs and ids', () => {
  const [room] = ROSTERS.rooms
  const wrong = [
    { rooms: 'all' },
    { rooms: Array(501).fill(room) },
    { rooms: [{ ...room, resourceUri: 'room 1' }] },
    { rooms: [{ ...room, members: ['alice'] }] },
    { rooms: [{ ...room, keyUri: '' }] },
    { more: false },
  ]
  for (const change of wrong) assert.ok(isRefusal(parseCoreFrame({ ...ROSTERS, ...change })))
})

test('who is off-boarded, and what is withdrawn, has a name', () => {
  for (const change of [{ userId: 'alice' }, { resourceUris: [''] }, { resourceUris: {} }]) {
    assert.ok(isRefusal(parseRealmFrame({ ...OFFBOARDED, ...change })))
  }
  assert.ok(isRefusal(parseCoreFrame({ ...OFFBOARDED_DONE, userId: 1 })))
  assert.ok(isRefusal(parseCoreFrame({ ...WITHDRAW, id: 'two words' })))
})

const GOOD = [...OF_REALM, ...OF_CORE]

/** A good frame with some members replaced or added. */
const spoiled = fc
  .tuple(
    fc.constantFrom<object>(...GOOD),
    fc.dictionary(
      fc.constantFrom(...GOOD.flatMap((frame) => Object.keys(frame)), '__proto__', 'x'),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom<unknown>(DETAILS, [ANSWER], ANSWER, JWK, PART, ROSTERS.rooms),
      ),
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
