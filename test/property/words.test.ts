// Laws of words for any text: terms are what the index can hold, every word of a message is found by itself, however it
// is written, and what the finder accepts the index has not missed.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { align } from '../../src/words/align.ts'
import { cut } from '../../src/words/cut.ts'
import { finderOf, LANGUAGES, normalize, queryTermsOf, termsOf } from '../../src/words/index.ts'
import { charactersOf } from '../../src/words/pairs.ts'
import { STEMMERS } from '../../src/words/root.ts'

/** Characters at which one rule meets another. */
const KNOTS = Array.from(
  'İiıßſΣς\u0301\u0307\u0323\u0345\u200d\u200b\ufeff\u3131\u314f\u3133\uffa1\uffc2\u1100\u1161\u11a8가각ﾊﾟﾞがか\u3099か' +
    '\u{16d63}\u{16d67}\u0e33\u0e49นำไทยລາວខ្មែរမြန်မာ日本語カタ.’\'ab 1٣🎉🇩🇪👍🏽\u20e3"AZéЖшЩיִ',
)
const HEAP = '\u0301\u0323\uff9e'.repeat(12)
const knot = fc.constantFrom(...KNOTS, HEAP, '\ud800', '\udc00', "'s", 'ing', 'l’', '.', ' ', ' ')
const binary = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.oneof({ weight: 5, arbitrary: knot }, binary)).map((parts) => parts.join('')),
)
const language = fc.constantFrom(...LANGUAGES)
const CONTROL = /\p{Cc}/u
/** Characters whose upper case takes marks out of order; Unicode's own mapping, not ours. */
const IOTA_BELOW = /\u0345/

const law = (name: string, check: (text: string) => void, numRuns = 1000): void => {
  it(name, () => fc.assert(fc.property(anyText, check), { numRuns }))
}

const asksFor = (query: string, terms: ReadonlySet<string>): boolean =>
  queryTermsOf(query, 'english').every((word) => word.every((term) => terms.has(term)))

describe('normalisation', () => {
  law('is idempotent', (text) => {
    const once = normalize(text)
    assert.equal(normalize(once), once)
  })

  law('is the same for every canonical form, but for heaps of marks', (text) => {
    if (text.includes(HEAP)) return
    assert.equal(normalize(text.normalize('NFD')), normalize(text))
    assert.equal(normalize(text.normalize('NFC')), normalize(text))
    assert.equal(normalize(text.normalize('NFKD')), normalize(text))
  })

  law('is the same for every case', (text) => {
    if (IOTA_BELOW.test(text.normalize('NFD'))) return
    assert.equal(normalize(text.toUpperCase()), normalize(text))
    assert.equal(normalize(text.toLowerCase()), normalize(text))
  })

  law('is the same cell by cell, so that what is found can be shown', (text) => {
    assert.equal(align(text).normalized, normalize(text))
  })
})

describe('the terms of any text', () => {
  it('are distinct, well-formed, at most 40 bytes, and without control characters', () => {
    const check = (text: string, language: (typeof LANGUAGES)[number]) => {
      const terms = termsOf(text, language)
      assert.equal(new Set(terms).size, terms.length)
      for (const term of terms) {
        assert.ok(term.length > 0 && Buffer.byteLength(term) <= 40, term)
        assert.ok(term.isWellFormed() && !CONTROL.test(term), term)
      }
    }
    fc.assert(fc.property(anyText, language, check), { numRuns: 1500 })
  })

  it('are the same on the fast path for ASCII', () => {
    const ascii = fc
      .array(fc.constantFrom(...Array.from("abS0'. -s\u0000\u007f"), 'ing'))
      .map((parts) => parts.join(''))
    const check = (text: string) =>
      // A character of no word leads past the fast path.
      assert.deepEqual(termsOf(text, 'english'), termsOf(`${text} \u00a7`, 'english'))
    fc.assert(fc.property(ascii, check), { numRuns: 1500 })
  })

  law(
    'never make a stemmer throw',
    (text) => {
      for (const stem of Object.values(STEMMERS))
        assert.equal(typeof stem(normalize(text)), 'string')
    },
    500,
  )
})

describe('every word of a message', () => {
  law('finds it, in upper case and in every canonical form', (text) => {
    const terms = new Set(termsOf(text, 'english'))
    const normalized = normalize(text)
    for (const { text: word, kind } of cut(normalized)) {
      assert.ok(asksFor(word, terms), `${kind} ${word}`)
      for (const form of text.includes(HEAP) ? [] : (['NFC', 'NFD', 'NFKD'] as const))
        assert.ok(asksFor(word.normalize(form), terms), `${form} ${word}`)
      if (!IOTA_BELOW.test(word.normalize('NFD')))
        assert.ok(asksFor(word.toUpperCase(), terms), `upper case of ${word}`)
    }
  })

  law(
    'is accepted and shown by the finder',
    (text) => {
      for (const { text: word } of cut(normalize(text))) {
        const spans = finderOf(word, 'english')(text)
        assert.ok(spans !== undefined && spans.length > 0, word)
        let before = 0
        for (const { start, end } of spans) {
          assert.ok(before <= start && start < end && end <= text.length)
          before = end
        }
      }
    },
    500,
  )
})

describe('what the finder accepts', () => {
  it('the index finds, if the query is more than single characters', () => {
    const words = fc.array(knot, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
    const check = (query: string, around: string) => {
      const text = `${around} ${query}${around}`
      const atoms = cut(normalize(query))
      // Judged before long terms are digested: a character under a heap of marks is one character.
      const isWeak = atoms.every(
        ({ kind, text }) => kind === 'run' && charactersOf(text).length < 2,
      )
      const isUnspaced = atoms.some(({ kind }) => kind === 'unspaced')
      if (isWeak || isUnspaced || finderOf(query, 'english')(text) === undefined) return
      assert.ok(asksFor(query, new Set(termsOf(text, 'english'))))
    }
    fc.assert(fc.property(words, anyText, check), { numRuns: 1500 })
  })
})
