import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseStrictJson } from '../../../src/protocol/strict-json.ts'
import { codeOf } from '../identity/world.ts'

describe('strict JSON', () => {
  for (const value of [
    null,
    true,
    0,
    -1.5e-9,
    '',
    'a"b\\',
    [],
    {},
    [[], {}],
    { a: { a: { a: 1 } } },
  ]) {
    test(`reads ${JSON.stringify(value)}`, () => {
      assert.deepEqual(parseStrictJson(JSON.stringify(value)), { value })
      assert.deepEqual(parseStrictJson(` \t\r\n${JSON.stringify(value, null, 2)}\n`), { value })
    })
  }

  for (const text of [
    '',
    ' ',
    '{',
    '{}}',
    "{'a':1}",
    '{a:1}',
    '[1,]',
    '01',
    'NaN',
    '"\t"',
    '\ufeff1',
    '"\\x"',
    'undefined',
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(codeOf(parseStrictJson(text)), 'request.not-json')
    })
  }

  const twice = [
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"x":{"a":1,"a":1}}',
    '[{"x":[{"a":1,"a":1}]}]',
    '{"a":1,"\\u0061":1}',
    '{"a" : 1 ,\n"a"\t: 1}',
    '{"":1,"":1}',
    '{"\\"":1,"\\u0022":1}',
    '{"\\\\":1,"\\\\":2}',
    '{"__proto__":1,"__proto__":1}',
    '{"a":{"b":"}"},"a":1}',
    '{"a":"\\\\","a":1}',
    '{"a":"\\\\\\"","a":1}',
  ]
  for (const text of twice) {
    test(`refuses a member named twice: ${text}`, () => {
      assert.equal(codeOf(parseStrictJson(text)), 'request.duplicate-member')
    })
  }

  const once = [
    '{"a":{"a":[{"a":1},{"a":1}]},"b":{"a":1}}',
    '["a","a"]',
    '{"a":"a","b":"a"}',
    '{"a":"a\\":","b":"\\"a\\":1"}',
    '{"a":"b","b":"c"}',
    '{"a":["b","b"],"b":"b"}',
    '{"a":1,"A":1}',
  ]
  for (const text of once) {
    test(`takes the same text as a value or elsewhere for what it is: ${text}`, () => {
      assert.deepEqual(parseStrictJson(text), { value: JSON.parse(text) })
    })
  }

  test('reads twelve levels and refuses thirteen, of lists, objects or both', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"a":', '}]'],
    ] as const) {
      const levels = open.startsWith('[{') ? 6 : 12
      const text = (count: number) => `${open.repeat(count)}1${close.repeat(count)}`
      assert.equal(codeOf(parseStrictJson(text(levels))), undefined)
      assert.equal(codeOf(parseStrictJson(text(levels + 1))), 'request.too-deep')
    }
  })

  test('counts brackets in strings for nothing', () => {
    const value = { a: '[{'.repeat(50), b: ']}'.repeat(50) }
    assert.deepEqual(parseStrictJson(JSON.stringify(value)), { value })
  })

  test('survives a million brackets', () => {
    assert.equal(codeOf(parseStrictJson('['.repeat(1e6))), 'request.not-json')
    assert.equal(codeOf(parseStrictJson('['.repeat(1e6) + ']'.repeat(1e6))), 'request.too-deep')
  })

  test('gives __proto__ as a member like any other', () => {
    const parsed = parseStrictJson('{"__proto__":{"admin":true}}')
    assert.ok('value' in parsed)
    assert.deepEqual(Object.keys(Object(parsed.value)), ['__proto__'])
    assert.equal(Reflect.get(Object(parsed.value), 'admin'), undefined)
  })
})
