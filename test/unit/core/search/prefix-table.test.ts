import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPrefixTable } from '../../../../src/core/search/prefix-table.ts'
import { hashOf, packed } from './hashes.ts'

test('it finds what was put in, under every hash of it', () => {
  const table = createPrefixTable()
  for (let n = 1; n <= 10_000; n += 1) table.add(hashOf(`word ${n}`), n)
  assert.equal(table.size, 10_000)
  for (const n of [1, 2, 5000, 10_000]) {
    assert.deepEqual(table.match(hashOf(`word ${n}`)), new Set([n]))
  }
  assert.deepEqual(table.match(packed('word 7', 'word 8', 'another')), new Set([7, 8]))
  assert.equal(table.match(packed('word 0', 'nothing')).size, 0)
})

test('the memory for a million hashes stays below 48 MB', () => {
  const table = createPrefixTable()
  const hash = Buffer.alloc(10)
  for (let n = 1; n <= 40_000; n += 1) {
    hash.set(hashOf(String(n)))
    table.add(hash, n)
  }
  assert.ok(table.bytes / table.size < 48, String(table.bytes / table.size))
})

test('what was taken out again and again leaves no growing table behind', () => {
  const table = createPrefixTable()
  for (let n = 1; n <= 20_000; n += 1) {
    table.add(hashOf(String(n)), n)
    table.remove(hashOf(String(n)), n)
  }
  assert.equal(table.size, 0)
  assert.ok(table.bytes < 100_000, String(table.bytes))
})

const step = fc.record({
  isAdding: fc.boolean(),
  words: fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 8 }),
  doc: fc.integer({ min: 1, max: 12 }),
})

test('it is a set of pairs, whatever is put in and taken out', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = createPrefixTable()
      const model = new Set<string>()
      for (const { isAdding, words, doc } of steps) {
        const list = packed(...words.map(String))
        if (isAdding) table.add(list, doc)
        else table.remove(list, doc)
        for (const word of words) {
          if (isAdding) model.add(`${word} ${doc}`)
          else model.delete(`${word} ${doc}`)
        }
      }
      assert.equal(table.size, model.size)
      for (let word = 0; word <= 30; word += 1) {
        const docs = [...model].filter((pair) => pair.startsWith(`${word} `))
        const expected = docs.map((pair) => Number(pair.split(' ')[1])).toSorted((a, b) => a - b)
        assert.deepEqual(
          [...table.match(hashOf(String(word)))].toSorted((a, b) => a - b),
          expected,
        )
      }
    }),
  )
})
