// The memory of roots: bounded, exact, and never an answer for another word.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WordCache } from '../../../src/words/word-cache.ts'

const find = (cache: WordCache, word: string, hash: number) =>
  cache.find(word, 0, word.length, hash)

describe('a word cache', () => {
  it('finds a word anywhere in a text by its hash', () => {
    const cache = new WordCache()
    cache.keep('keys', 7, 'key')
    assert.equal(cache.find('two keys here', 4, 8, 7), 'key')
    assert.equal(cache.find('two keys here', 4, 7, 7), undefined)
  })

  it('never takes one word for another of the same hash', () => {
    const cache = new WordCache()
    cache.keep('keys', 7, 'key')
    assert.equal(find(cache, 'kegs', 7), undefined)
  })

  it('holds two words of one place, and lets the older go for a third', () => {
    const cache = new WordCache()
    for (const word of ['one', 'two', 'three']) cache.keep(word, 7, word)
    assert.deepEqual(
      ['one', 'two', 'three'].map((word) => find(cache, word, 7)),
      [undefined, 'two', 'three'],
    )
  })
})
