// Real messages for tests of search: the samples of the project, or the full files of a folder that
// KEYREALM_SEARCH_DATA names (chat.jsonl.gz and segmentation/{ja,zh,ko}.jsonl.gz; see test/data/README.md for their origin).

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

export interface Said {
  readonly room: string
  readonly text: string
}

export interface Sentence {
  readonly language?: string
  readonly text: string
  readonly tokens: readonly string[]
  readonly upos: readonly string[]
}

const SAMPLES = join(import.meta.dirname, '../data')
const FULL = process.env['KEYREALM_SEARCH_DATA']

const linesOf = (file: string): readonly string[] => {
  const bytes = readFileSync(file)
  const text = file.endsWith('.gz') ? gunzipSync(bytes) : bytes
  return text.toString('utf8').trimEnd().split('\n')
}

/** What tests should say about their size. */
export const SIZE =
  FULL === undefined
    ? 'the samples of the project; KEYREALM_SEARCH_DATA=FOLDER takes the full files'
    : FULL

export const isFull = FULL !== undefined

/** At most `most` of them. */
export const chat = (most = Number.POSITIVE_INFINITY): readonly Said[] => {
  const file = FULL === undefined ? join(SAMPLES, 'chat-sample.jsonl') : join(FULL, 'chat.jsonl.gz')
  return linesOf(file)
    .slice(0, most)
    .map((line): Said => JSON.parse(line))
}

export const sentences = (language: 'ja' | 'zh' | 'ko'): readonly Sentence[] => {
  const full = FULL === undefined ? undefined : join(FULL, `segmentation/${language}.jsonl.gz`)
  if (full !== undefined && existsSync(full))
    return linesOf(full).map((line): Sentence => JSON.parse(line))
  return linesOf(join(SAMPLES, 'words-sample.jsonl'))
    .map((line): Sentence => JSON.parse(line))
    .filter((one) => one.language === language)
}

/** Every so-and-so-many-th of them, spread over all. */
export const spread = <Item>(items: readonly Item[], count: number): readonly Item[] => {
  const step = Math.max(1, items.length / count)
  const places = Math.min(count, items.length)
  return Array.from({ length: places }, (_, n) => items[Math.floor(n * step)]).filter(
    (item) => item !== undefined,
  )
}

/** Works on all items, a few at a time; the first failure ends it. */
export const forAll = async <Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> => {
  const rest = items[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
