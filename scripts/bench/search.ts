// How fast search is, as ratios measured in one run. Parts: `hash`, words to tokens.
//   node scripts/bench/search.ts [--only hash] [--messages FILE.jsonl[.gz]]

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { termsOf } from '../../src/words/index.ts'
import { table } from './report.ts'
import { measureHandOver, measureHashing } from './sections/hash.ts'

const SAMPLE = join(import.meta.dirname, '../../test/data/chat-sample.jsonl')

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: SAMPLE },
    only: { type: 'string', default: 'hash' },
  },
})

const textsOf = (path: string): string[] => {
  const bytes = readFileSync(path)
  const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n')
  return lines.map((line) => {
    const { text }: { text: string } = JSON.parse(line)
    return text
  })
}

const parts = new Set(values.only.split(','))
const texts = textsOf(values.messages)

if (parts.has('hash')) {
  const words = texts.slice(0, 20_000).flatMap((text) => termsOf(text, 'english'))
  console.log(`words to tokens\n\n${table(await measureHashing(words))}\n`)
  console.log(
    `one call, on the asking thread or on another\n\n${table(await measureHandOver(words))}`,
  )
}
