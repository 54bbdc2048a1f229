// What is indexed of a text: the cases that people name when search does not find.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { termsOf } from '../../../src/words/index.ts'

const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['the root of each word, once', 'Keys, keys and the KEY', ['kei', 'and', 'the']],
  ['nothing of a text without words', ' ... \u0000\u001f\u0007 -- ', []],
  ['nothing of an empty text', '', []],
  ['the word before a possessive', "John's keys", ['john', 'kei']],
  ['a contraction as one word', "don't", ["don't"]],
  ['words with digits as they are', 'v2s a1b2ing', ['v2s', 'a1b2ing']],
  ['an address by its parts and their joints', 'example.com', ['exampl', 'com', 'example.com']],
  ['a version by each of its dots', 'v1.2.3', ['v1', '2', 'v1.2', '3', '2.3']],
  ['no joint where a sentence ends', 'Done. Next', ['done', 'next']],
  ['Russian in every room', 'документами', ['документ']],
  ['Japanese by pairs, and a lone Chinese character', '私はパン', ['私は', 'はパ', 'パン', '私']],
  ['a run of one character by itself', '2배, 물', ['2', '배', '물']],
  ['Korean beside Latin', 'GPT를 써', ['gpt', '를', '써']],
  ['an emoji of several parts by each part', '👨‍👩‍👧', ['👨', '👩', '👧']],
  ['a flag as one, a shade of skin not at all', '🇩🇪👍🏽', ['🇩🇪', '👍']],
  ['Hebrew and Arabic words as they are', 'שלום \u200fمرحبا', ['שלום', 'مرحبا']],
  ['a Persian word with its joiner taken out', 'می‌خواهم', ['میخواهم']],
]

describe('the terms of a text', () => {
  for (const [what, text, terms] of cases)
    it(`are ${what}`, () => assert.deepEqual(termsOf(text, 'english'), terms))

  it('leave French and Italian elisions out', () => {
    assert.deepEqual(termsOf("l'homme d'accord", 'french'), termsOf('homme accord', 'french'))
    assert.deepEqual(termsOf("dell'anno nell'arte", 'italian'), termsOf('anno arte', 'italian'))
    assert.deepEqual(termsOf("o'neil", 'french'), ["o'neil"])
  })

  it('are the words of Thai, with a vowel that normalisation would take apart', () => {
    assert.deepEqual(termsOf('ดื่มน้ำ', 'english').toSorted(), ['ดื่ม', 'น้ำ'].toSorted())
  })

  it('keep a long word apart from another with the same beginning, within 40 bytes', () => {
    const [long = '', other] = termsOf(`${'x'.repeat(10_000)} ${'x'.repeat(9_999)}y`, 'english')
    assert.match(long, /^x{23}~[0-9a-f]{16}$/)
    assert.notEqual(long, other)
    const [wide = ''] = termsOf('𐐨'.repeat(5000), 'english')
    assert.equal(Buffer.byteLength(wide), 5 * 4 + 1 + 16)
    assert.ok(wide.isWellFormed())
  })

  it('are found in a text of a megabyte, in one word or in many', () => {
    assert.equal(termsOf('é'.repeat(1_000_000), 'english').length, 1)
    assert.equal(termsOf('日'.repeat(300_000), 'english')[0], '日日')
    assert.equal(termsOf(`a${'\u0301\u0323'.repeat(500_000)}`, 'english').length, 1)
    assert.ok(termsOf('ก'.repeat(20_000), 'english').length > 0)
    assert.equal(termsOf('a b '.repeat(250_000), 'english').length, 2)
  })
})
