import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeEntry } from '../../../src/audit/index.ts'
import { canonicalJson } from './canonical-json.ts'
import { anAct, aPlace, FULL_ACT } from './world.ts'

describe('an encoded entry', () => {
  test('with every member there is is canonical JSON, and says all of it', () => {
    const text = encodeEntry(FULL_ACT, aPlace())
    const expected = {
      ...FULL_ACT,
      v: 1,
      realm: 'acme',
      node: 'node-1',
      boot: 'boot-1',
      counter: 1,
      time: '2026-03-01T10:00:00.000Z',
    }
    assert.deepEqual(JSON.parse(text), expected)
    assert.equal(text, canonicalJson(expected))
  })

  test('leaves out what is not known and what is empty', () => {
    const text = encodeEntry(anAct({ keys: [], subjects: [] }), aPlace())
    assert.equal(
      text,
      '{"action":"key.released","actor":{"kind":"system"},"boot":"boot-1","counter":1,"node":"node-1",' +
        '"outcome":"done","realm":"acme","time":"2026-03-01T10:00:00.000Z","v":1}',
    )
  })

  test('holds no half of a surrogate pair, which is no text', () => {
    const half = '\ud83d'
    const act = anAct({ requestId: half, keys: [half], uri: `/${half}`, details: { about: half } })
    const text = encodeEntry(act, aPlace())
    assert.ok(text.isWellFormed())
    assert.equal(text.includes('\\ud83d'), false)
    assert.equal(text, canonicalJson(JSON.parse(text)))
  })

  test('is one line whatever is quoted in it', () => {
    const text = encodeEntry(anAct({ requestId: 'a\nb\r\u0000"\\' }), aPlace())
    assert.equal(/[\n\r\0]/.test(text), false)
    assert.equal(JSON.parse(text).requestId, 'a\nb\r\u0000"\\')
  })

  test('gives the order of the day to details too', () => {
    const text = encodeEntry(anAct({ details: { b: 1, B: 2, a: 3, aa: 4 } }), aPlace())
    assert.ok(text.includes('"details":{"B":2,"a":3,"aa":4,"b":1}'))
  })
})

test('the yardstick prints the examples of RFC 8785', () => {
  const value = {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  }
  assert.equal(
    canonicalJson(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
  const names = {
    '\u20ac': 1,
    '\r': 2,
    '\ufb33': 3,
    '1': 4,
    '\ud83d\ude00': 5,
    '\u0080': 6,
    '\u00f6': 7,
  }
  assert.equal(canonicalJson(names), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
})
