// How fast texts become terms, as ratios to what SQLite's FTS5 needs to take in the same messages in the same run.
//   node scripts/bench/words.ts [--messages FILE.jsonl[.gz]] [--sentences FILE.jsonl[.gz]]… [--snowball FOLDER]

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { cut, LANGUAGES, normalize, termsOf } from '../../src/words/index.ts'
import { STEMMERS } from '../../src/words/root.ts'
import { percent, type Row, table } from './report.ts'
import { percentile, ratio } from './statistics.ts'

const SAMPLE = join(import.meta.dirname, '../../test/data/chat-sample.jsonl')
const ROUNDS = 7
const MESSAGES = 60_000

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: SAMPLE },
    sentences: { type: 'string', multiple: true, default: [] },
    snowball: { type: 'string' },
  },
})

const linesOf = (path: string): string[] => {
  const bytes = readFileSync(path)
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n')
}

const textsOf = (path: string): string[] =>
  linesOf(path).map((line) => {
    const { text }: { text: string } = JSON.parse(line)
    return text
  })

/** As many as asked for, from the beginning again if there are fewer. */
const filled = (texts: readonly string[], count: number): string[] =>
  Array.from({ length: count }, (_, at) => texts[at % texts.length] ?? '')

const seconds = (work: () => void): number => {
  const from = performance.now()
  work()
  return (performance.now() - from) / 1000
}

const median = (figures: readonly number[]): number =>
  percentile(
    figures.toSorted((a, b) => a - b),
    0.5,
  )

const insertInto = (tokenizer: string, texts: readonly string[]): number => {
  const database = new Database(':memory:')
  database.exec(`create virtual table message using fts5(text, tokenize = '${tokenizer}')`)
  const insert = database.prepare('insert into message (text) values (?)')
  const took = seconds(() => {
    database.exec('begin')
    for (const text of texts) insert.run(text)
    database.exec('commit')
  })
  database.close()
  return took
}

const METHODS: Readonly<Record<string, (texts: readonly string[]) => number>> = {
  'FTS5 insert, unicode61': (texts) => insertInto('unicode61', texts),
  'FTS5 insert, porter': (texts) => insertInto('porter unicode61', texts),
  'normalise and cut': (texts) =>
    seconds(() => {
      for (const text of texts) cut(normalize(text))
    }),
  'message to terms': (texts) =>
    seconds(() => {
      for (const text of texts) termsOf(text, 'english')
    }),
}

/** All methods in turns, so that a busy machine slows them alike; the median of each round's ratio counts. */
const compare = (texts: readonly string[]): Row[] => {
  const rounds = Array.from({ length: ROUNDS }, () =>
    Object.entries(METHODS).map(([name, run]) => ({ name, took: run(texts) })),
  )
  return Object.keys(METHODS).map((name, at) => {
    const took = rounds.map((round) => round[at]?.took ?? Number.NaN)
    const ratios = rounds.map((round) => ratio(round[0]?.took ?? 0, round[at]?.took ?? 0))
    return {
      method: name,
      'k messages/s': texts.length / 1000 / median(took),
      'x FTS5': median(ratios),
    }
  })
}

const pace = (path: string): Row => {
  const texts = textsOf(path)
  const characters = texts.reduce((sum, text) => sum + text.length, 0)
  const terms = texts.reduce((sum, text) => sum + termsOf(text, 'english').length, 0)
  const took = Array.from({ length: ROUNDS }, () =>
    seconds(() => {
      for (const text of texts) termsOf(text, 'english')
    }),
  )
  return {
    sentences: path,
    'terms a character': terms / characters,
    'k characters/s': characters / 1000 / median(took),
  }
}

const LIST = /^([a-z_]+)\.tsv(?:\.gz)?$/
/** The lists that hold another algorithm than their name says. */
const LISTS: Readonly<Record<string, string>> = { porter: 'english', dutch_porter: 'dutch' }

const agreement = (folder: string): Row[] =>
  readdirSync(folder).flatMap((file) => {
    const name = LIST.exec(file)?.[1] ?? ''
    const language = LANGUAGES.find((known) => known === (LISTS[name] ?? name))
    if (language === undefined) return []
    const rows = linesOf(join(folder, file)).map((line) => line.split('\t'))
    const stem = STEMMERS[language]
    let equal = 0
    const took = seconds(() => {
      for (const [word = '', root] of rows) if (stem(word) === root) equal++
    })
    const share = Math.round((10_000 * equal) / rows.length) / 100
    return [
      { list: name, words: rows.length, '% equal': share, 'k words/s': rows.length / 1000 / took },
    ]
  })

const texts = filled(textsOf(values.messages), MESSAGES)
const unseen = seconds(() => {
  for (const text of texts) termsOf(text, 'english')
})
const rows = compare(texts)
const warm = MESSAGES / 1000 / unseen
console.log(`${MESSAGES} messages, ${percent(new Set(texts).size / MESSAGES)} of them different\n`)
console.log(table([...rows, { method: 'with nothing remembered', 'k messages/s': warm }]))
if (values.sentences.length > 0) console.log(`\n${table(values.sentences.map(pace))}`)
if (values.snowball !== undefined) console.log(`\n${table(agreement(values.snowball))}`)
