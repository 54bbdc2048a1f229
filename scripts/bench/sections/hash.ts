// How fast words become tokens, as ratios to node:crypto's createHmac and to the machine's SHA-256 in the same round; and
// what a call costs the thread that asks, made there or on another one.
import { createHmac, createSecretKey } from 'node:crypto'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import {
  createTokenWorkers,
  prepareTokenKey,
  SecretBytes,
  TokenInputs,
  tokensOf,
} from '../../../src/crypto/index.ts'
import { percent, type Row } from '../report.ts'
import { measureShaLimit } from '../sha-limit.ts'
import { percentile, ratio } from '../statistics.ts'

const ROUNDS = 7
const WORDS = 65_536
const SLOW_WORDS = 8192
const TOKEN_HEX = 20
const KEY = new Uint8Array(32).fill(1)
// As fast as createHmac gets: given bytes it takes six times as long.
const KEY_OBJECT = createSecretKey(KEY)
const HAND_OVERS = 64

const median = (figures: readonly number[]): number =>
  percentile(
    figures.toSorted((a, b) => a - b),
    0.5,
  )

/** Words a second. */
const paceOf = (words: readonly string[], work: (words: readonly string[]) => void): number => {
  const from = performance.now()
  work(words)
  return (1000 * words.length) / (performance.now() - from)
}

const inBatches = (size: number): ((words: readonly string[]) => void) => {
  const key = prepareTokenKey(SecretBytes.from(Uint8Array.from(KEY)))
  const inputs = new TokenInputs()
  return (words) => {
    for (let from = 0; from < words.length; from += size) {
      inputs.under(key)
      for (let at = from; at < Math.min(words.length, from + size); at += 1) {
        inputs.add(words[at] ?? '')
      }
      tokensOf(inputs)
      inputs.wipe()
    }
  }
}

const CREATE_HMAC = 'createHmac, hex'
const METHODS: Readonly<Record<string, (words: readonly string[]) => void>> = {
  [CREATE_HMAC]: (words) => {
    for (const word of words) {
      createHmac('sha256', KEY_OBJECT).update(word).digest('hex').slice(0, TOKEN_HEX)
    }
  },
  '@noble/hashes': (words) => {
    const utf8 = new TextEncoder()
    for (const word of words.slice(0, SLOW_WORDS)) hmac(sha256, KEY, utf8.encode(word))
  },
  'ours, 10 a call': inBatches(10),
  'ours, 100 a call': inBatches(100),
  'ours, 1,024 a call': inBatches(1024),
}

const SLOW = new Set(['@noble/hashes'])

interface Round {
  readonly limit: number
  readonly paces: ReadonlyMap<string, number>
}

const round = async (words: readonly string[]): Promise<Round> => {
  const paces = new Map<string, number>()
  for (const [name, work] of Object.entries(METHODS)) {
    paces.set(name, paceOf(SLOW.has(name) ? words.slice(0, SLOW_WORDS) : words, work))
  }
  return { limit: (await measureShaLimit(1)) ?? Number.NaN, paces }
}

/** Medians of the rounds' ratios. `words`: real ones; they are repeated until there are enough. */
export const measureHashing = async (words: readonly string[]): Promise<readonly Row[]> => {
  const enough = Array.from({ length: WORDS }, (_, at) => words[at % words.length] ?? '')
  await round(enough)
  const rounds: Round[] = []
  for (let count = 0; count < ROUNDS; count += 1) rounds.push(await round(enough))
  const rows = Object.keys(METHODS).map((name): Row => {
    const paces = rounds.map(({ paces: all }) => all.get(name) ?? Number.NaN)
    const ofHmac = rounds.map(({ paces: all }, at) =>
      ratio(paces[at] ?? 0, all.get(CREATE_HMAC) ?? 0),
    )
    const ofLimit = rounds.map(({ limit }, at) => ratio(paces[at] ?? 0, limit))
    return {
      method: name,
      'k tokens/s': median(paces) / 1000,
      'x createHmac': median(ofHmac),
      'of SHA-256': percent(median(ofLimit)),
    }
  })
  const limit = median(rounds.map((each) => each.limit))
  return [
    ...rows,
    { method: 'openssl speed sha256', 'k tokens/s': limit / 1000, 'of SHA-256': '100 %' },
  ]
}

const packed = (words: readonly string[], count: number): TokenInputs => {
  const inputs = new TokenInputs().under(prepareTokenKey(SecretBytes.from(Uint8Array.from(KEY))))
  for (let at = 0; at < count; at += 1) inputs.add(words[at % words.length] ?? '')
  return inputs
}

/** Milliseconds that one call keeps the asking thread from other work, and until its tokens are there. */
export const measureHandOver = async (words: readonly string[]): Promise<readonly Row[]> => {
  const workers = createTokenWorkers({ threads: 1, leastInputs: 0 })
  await workers.tokens(packed(words, 1))
  const rows: Row[] = []
  for (const count of [16, 64, 256, 1024, 4096, 16_384]) {
    const here: number[] = []
    const busy: number[] = []
    const there: number[] = []
    for (let turn = 0; turn < HAND_OVERS; turn += 1) {
      const own = packed(words, count)
      const from = performance.now()
      tokensOf(own)
      here.push(performance.now() - from)
      const others = packed(words, count)
      const asked = performance.now()
      const answer = workers.tokens(others)
      busy.push(performance.now() - asked)
      await answer
      there.push(performance.now() - asked)
    }
    rows.push({
      inputs: count,
      'here, ms': median(here),
      'handing over, ms': median(busy),
      'there, ms': median(there),
    })
  }
  await workers.close()
  return rows
}
