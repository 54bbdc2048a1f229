// What a query asks the index for: enough to find, and never what a message that answers might not have.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { queryTermsOf } from '../../../src/words/index.ts'

const cases: readonly (readonly [string, string, readonly (readonly string[])[]])[] = [
  ['each word by its root', 'running keys', [['run'], ['kei']]],
  ['a word said twice once', 'key KEY keys', [['kei']]],
  ['all pairs of a run', '日本語', [['日本', '本語']]],
  ['a single character if there is nothing else', '水', [['水']]],
  ['no single character beside other words', '水 water', [['water']]],
  ['a phrase as one', '"open the 日本 水"', [['open', 'the', '日本']]],
  ['an address by its joints alone', 'www.example.com', [['www.example', 'example.com']]],
  ['a quote that is not closed as words', '"open door', [['open'], ['door']]],
  ['other quotes like the straight ones', '„alte Tür“', [['alt', 'tur']]],
  ['nothing without words', '"" ... \u0000', []],
]

describe('a query asks for', () => {
  for (const [what, query, terms] of cases)
    it(what, () => {
      const language = what.startsWith('other quotes') ? 'german' : 'english'
      assert.deepEqual(queryTermsOf(query, language), terms)
    })

  it('a thousand words, each of them', () => {
    const words = Array.from({ length: 1000 }, (_, at) => `w${at}`)
    assert.equal(queryTermsOf(words.join(' '), 'english').length, 1000)
  })
})
