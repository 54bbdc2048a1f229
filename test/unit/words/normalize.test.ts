// One form for all the ways of writing the same text, held against Unicode's own property.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { normalize } from '../../../src/words/index.ts'

const CHEROKEE = /\p{Script=Cherokee}/u
/** Dotless i, which folds to i here, and what becomes an apostrophe. */
const OURS = new Set(['\u0131', '\u02bc', '\u2018', '\u2019'])

/** Everything but the private planes, which nothing changes. */
const assigned = function* (): Generator<string> {
  for (let code = 0; code <= 0xe0fff; code++) {
    const character = String.fromCodePoint(code)
    if (!/[\p{Surrogate}\p{Unassigned}]/u.test(character)) yield character
  }
}

describe('normalize', () => {
  it('changes exactly the characters that NFKC_Casefold changes, but for four and Cherokee', () => {
    const others: string[] = []
    for (const character of assigned()) {
      const isChanged = normalize(character) !== character
      const isExpected = /\p{Changes_When_NFKC_Casefolded}/u.test(character)
      if (isChanged !== isExpected && !OURS.has(character) && !CHEROKEE.test(character))
        others.push(character)
    }
    assert.deepEqual(others, [])
    for (const character of OURS) assert.notEqual(normalize(character), character)
  })

  it('has one form for the cases of every character', () => {
    const unequal: string[] = []
    for (const character of assigned()) {
      if (!/\p{Changes_When_Casemapped}/u.test(character)) continue
      const form = normalize(character)
      if (normalize(character.toUpperCase()) !== form) unequal.push(character)
      if (normalize(character.toLowerCase()) !== form) unequal.push(character)
    }
    assert.deepEqual(unequal, [])
  })

  const alike: readonly (readonly [string, string])[] = [
    ['STRASSE', 'straße'],
    ['ΌΣΟΣ', 'όσος'],
    ['ﬁnal', 'FINAL'],
    ['İstanbul', 'istanbul'],
    ['ﾊﾟｿｺﾝ', 'パソコン'],
    ['Ｋｅｙ２', 'key2'],
    ['Ⅳ', 'iv'],
    ['cafe\u0301', 'CAFÉ'],
    ['don\u2019t', "Don't"],
    ['co\u00adop\u200bera\ufeffte', 'cooperate'],
    ['❤\ufe0f', '❤'],
    ['e\u200d\u0301', 'é'],
    ['\u1112\u1161\u11ab', '한'],
  ]
  for (const [one, other] of alike)
    it(`writes ${JSON.stringify(one)} as ${JSON.stringify(other)}`, () => {
      assert.equal(normalize(one), normalize(other))
    })

  it('takes a lone surrogate for a character of no word', () => {
    assert.equal(normalize('a\ud800b'), 'a\ufffdb')
  })
})
