import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readJson } from '../../../src/config/json-source.ts'

test('whatever JSON.stringify writes is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      assert.deepEqual(readJson(text), { value: JSON.parse(text) })
    }),
  )
})

test('any text is a value that JSON.parse agrees with, or a problem', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"a"',
    ':',
    ',',
    '1',
    ' ',
    'tru',
    'null',
    '"',
    '\\',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (list) => {
      const text = list.join('')
      const source = readJson(text)
      if ('value' in source) assert.deepEqual(source.value, JSON.parse(text))
      else assert.ok(source.problems.length > 0)
    }),
    { numRuns: 2000 },
  )
})

test('members that stand twice are named by their path, however they are written', () => {
  assert.deepEqual(readJson('{"a":[{"b":1,"\\u0062":2}]}'), {
    problems: [{ path: 'a.0.b', problem: 'stands twice' }],
  })
})

test('text nested too deeply is refused, not crashed on', () => {
  assert.ok('problems' in readJson('['.repeat(100_000)))
})
