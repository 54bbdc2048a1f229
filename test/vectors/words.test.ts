// Stemmers against Snowball's own lists, and search in Chinese, Japanese and Korean against sentences that people cut.
// The samples in the project always run; the full files run where they lie next to the project.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type Language, queryTermsOf, termsOf } from '../../src/words/index.ts'
import { STEMMERS } from '../../src/words/root.ts'

const DATA = new URL('../data/', import.meta.url)
const FULL = new URL('../../../shared/data/', import.meta.url)

const linesOf = (file: URL): string[] => {
  const bytes = readFileSync(file)
  return (file.pathname.endsWith('.gz') ? gunzipSync(bytes) : bytes)
    .toString('utf8')
    .trimEnd()
    .split('\n')
}

/** The list, the language whose stemmer is held against it, and the least share of its words in percent. */
const LISTS: readonly (readonly [string, Language, number])[] = [
  ['danish', 'danish', 100],
  ['dutch_porter', 'dutch', 99.4],
  ['finnish', 'finnish', 100],
  ['french', 'french', 96.1],
  ['german', 'german', 96.4],
  ['italian', 'italian', 99.9],
  ['norwegian', 'norwegian', 99.3],
  ['porter', 'english', 99.8],
  ['portuguese', 'portuguese', 99.9],
  ['russian', 'russian', 100],
  ['spanish', 'spanish', 99.9],
  ['swedish', 'swedish', 98.1],
]
/** What 60 words can say less than 20,000. */
const SAMPLE_ALLOWANCE = 5

const percentEqual = (language: Language, rows: readonly (readonly string[])[]): number => {
  const stem = STEMMERS[language]
  return (100 * rows.filter(([word = '', root]) => stem(word) === root).length) / rows.length
}

describe('stemmers agree with Snowball', () => {
  const sample = linesOf(new URL('stems-sample.tsv', DATA)).map((line) => line.split('\t'))
  for (const [list, language, least] of LISTS) {
    it(`${list}: sample`, () => {
      const rows = sample.filter(([name]) => name === list).map(([, ...row]) => row)
      assert.equal(rows.length, 60)
      assert.ok(percentEqual(language, rows) >= least - SAMPLE_ALLOWANCE)
    })
    it(`${list}: full list`, (t: TestContext) => {
      const file = new URL(`snowball/${list}.tsv.gz`, FULL)
      if (!existsSync(file)) return t.skip('the full lists are not beside this project')
      const share = percentEqual(
        language,
        linesOf(file).map((line) => line.split('\t')),
      )
      t.diagnostic(`${share.toFixed(2)} %`)
      assert.ok(share >= least, `${share} %`)
    })
  }
})

interface Sentence {
  readonly language?: string
  readonly text: string
  readonly tokens: readonly string[]
  readonly upos: readonly string[]
}

const CONTENT = new Set(['NOUN', 'PROPN', 'VERB', 'ADJ', 'ADV', 'NUM'])

/** The share of content words of two or more characters that, as a query, find their sentence. */
const recall = (sentences: readonly Sentence[]): number => {
  let asked = 0
  let found = 0
  for (const { text, tokens, upos } of sentences) {
    const terms = new Set(termsOf(text, 'english'))
    for (const [at, token] of tokens.entries()) {
      const query = queryTermsOf(token, 'english')
      if (!CONTENT.has(upos[at] ?? '') || Array.from(token).length < 2 || query.length === 0)
        continue
      asked++
      if (query.every((word) => word.every((term) => terms.has(term)))) found++
    }
  }
  return found / asked
}

const sentencesOf = (file: URL): Sentence[] =>
  linesOf(file).map((line) => {
    const sentence: Sentence = JSON.parse(line)
    return sentence
  })

describe('words of people who cut by hand find their sentence', () => {
  const sample = sentencesOf(new URL('words-sample.jsonl', DATA))
  for (const language of ['ja', 'zh', 'ko']) {
    it(`${language}: sample`, () => {
      const share = recall(sample.filter((sentence) => sentence.language === language))
      assert.ok(share >= 0.99, `${share}`)
    })
    it(`${language}: all sentences, at least 99.5 %`, (t: TestContext) => {
      const file = new URL(`segmentation/${language}.jsonl.gz`, FULL)
      if (!existsSync(file)) return t.skip('the full sentences are not beside this project')
      const share = recall(sentencesOf(file))
      t.diagnostic(`${(100 * share).toFixed(2)} %`)
      assert.ok(share >= 0.995, `${share}`)
    })
  }
})
