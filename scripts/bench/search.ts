// How fast search is, as ratios measured in one run. Parts: `hash`, words to tokens; `pipeline`, messages to lists.
//   node scripts/bench/search.ts [--only hash,pipeline] [--messages FILE.jsonl[.gz]]

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { termsOf } from '../../src/words/index.ts'
import { table } from './report.ts'
import { measureHandOver, measureHashing } from './sections/hash.ts'
import { measurePipeline } from './sections/pipeline.ts'

const SAMPLE = join(import.meta.dirname, '../../test/data/chat-sample.jsonl')

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: SAMPLE },
    only: { type: 'string', default: 'hash,pipeline' },
  },
})

interface Line {
  readonly room: string
  readonly text: string
}

const linesOf = (path: string): readonly Line[] => {
  const bytes = readFileSync(path)
  const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line))
}

const parts = new Set(values.only.split(','))
const messages = linesOf(values.messages)

if (parts.has('hash')) {
  const words = messages.slice(0, 20_000).flatMap(({ text }) => termsOf(text, 'english'))
  console.log(`words to tokens\n\n${table(await measureHashing(words))}\n`)
  console.log(
    `one call, on the asking thread or on another\n\n${table(await measureHandOver(words))}`,
  )
}

if (parts.has('pipeline')) {
  const rooms = [...Map.groupBy(messages.slice(0, 60_000), ({ room }) => room).values()]
  const texts = rooms.map((room) => room.map(({ text }) => text))
  console.log(`\nmessages to lists\n\n${table(measurePipeline(texts))}`)
}
