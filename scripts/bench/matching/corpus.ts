// Messages spread over rooms, their words, and what the core holds of them: one hash for each distinct word, used once,
// as the scheme of the realm's indexer makes them. Words are cut simply; the core never sees the difference.

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { HASH_BYTES } from '../../../src/boundary/index.ts'
import type { NewList } from '../../../src/core/store/postings.ts'

export interface Message {
  readonly room: number
  readonly text: string
  readonly words: readonly string[]
}

export interface Corpus {
  readonly messages: readonly Message[]
  readonly rooms: number
  /** By room and word: in how many messages. */
  readonly counts: ReadonlyMap<string, number>
  /** Words that are neither rare nor everywhere. */
  readonly queries: readonly (readonly [string, string])[]
}

/** Repeatable, and good enough for choosing. */
export const createRandom = (seed: number) => (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

const WORDS = /[\p{L}\p{N}]+/gu

/** Lines of a file of JSON objects with a `text`, or words whose frequencies fall as in any language. */
const textsOf = (file: string | undefined, count: number): readonly string[] => {
  if (file !== undefined) {
    const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n')
    const texts = lines.map((line) => String(JSON.parse(line).text))
    return Array.from({ length: count }, (_, n) => texts[n % texts.length] ?? '')
  }
  const random = createRandom(7)
  const word = () => `w${Math.floor(30_000 ** random())}`
  return Array.from({ length: count }, () =>
    Array.from({ length: 4 + Math.floor(random() * 14) }, word).join(' '),
  )
}

export const makeCorpus = (file: string | undefined, count: number, rooms: number): Corpus => {
  const random = createRandom(11)
  const counts = new Map<string, number>()
  const everywhere = new Map<string, number>()
  const messages = textsOf(file, count).map((text): Message => {
    const room = Math.floor(random() * rooms)
    const words = [...new Set(text.toLowerCase().match(WORDS) ?? [])]
    for (const word of words) {
      counts.set(`${room} ${word}`, (counts.get(`${room} ${word}`) ?? 0) + 1)
      everywhere.set(word, (everywhere.get(word) ?? 0) + 1)
    }
    return { room, text, words }
  })
  const fit = [...everywhere].flatMap(([word, n]) => (n >= 200 && n <= 3000 ? [word] : []))
  const pick = (): string => fit[Math.floor(random() * fit.length)] ?? 'the'
  const queries = Array.from({ length: 12 }, () => [pick(), pick()] as const)
  return { messages, rooms, counts, queries }
}

const KEY = Buffer.from('a key of the bench, nothing else')

/** What is kept for occurrence `n` of a word in a room; `noise` of a word fills up its query. */
const hashOf = (room: number, word: string, n: string): Buffer =>
  createHmac('sha256', KEY).update(`${room} ${word} ${n}`).digest().subarray(0, HASH_BYTES)

const pack = (hashes: Buffer[]): Uint8Array => Buffer.concat(hashes.sort(Buffer.compare))

export const resourceOf = (room: number): string => `kms://bench.example/resources/${room}`

/** The lists, in order of the messages, whose number is their name. */
export function* listsOf({ messages }: Corpus): Generator<NewList> {
  const seen = new Map<string, number>()
  for (const [n, { room, words }] of messages.entries()) {
    const hashes = words.map((word) => {
      const name = `${room} ${word}`
      const occurrence = seen.get(name) ?? 0
      seen.set(name, occurrence + 1)
      return hashOf(room, word, String(occurrence))
    })
    const messageId = String(n)
    yield { resourceUri: resourceOf(room), messageId, revision: 1, hashes: pack(hashes) }
  }
}

const PAGE = 64

/** The newest page of each word in each of the first rooms, filled with noise up to a power of two. */
export const queryOf = (
  { counts }: Corpus,
  words: readonly string[],
  rooms: number,
): Uint8Array => {
  const hashes: Buffer[] = []
  for (let room = 0; room < rooms; room += 1) {
    for (const word of words) {
      const count = counts.get(`${room} ${word}`) ?? 0
      const newest = Math.min(PAGE, count)
      for (let n = count - newest; n < count; n += 1) hashes.push(hashOf(room, word, String(n)))
      const filled = 2 ** Math.ceil(Math.log2(Math.max(1, newest)))
      for (let n = newest; n < filled; n += 1) hashes.push(hashOf(room, word, `noise ${n}`))
    }
  }
  return pack(hashes)
}
