// What the index gives away, on a small real sample and for one seed: these figures cannot get worse unseen. The full
// figures, and how to get them, stand in src/indexer/README.md.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { SecretBytes } from '../../../src/crypto/index.ts'
import { type LeakageReport, reportLeakage } from '../../../src/indexer/index.ts'

interface Line {
  readonly id: string
  readonly text: string
}

const SAMPLE = new URL('../../data/chat-sample.jsonl', import.meta.url)
const lines: readonly Line[] = readFileSync(SAMPLE, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))

const report = (seed = 1): LeakageReport =>
  reportLeakage({
    messages: lines.map(({ id, text }) => ({ room: 'all', messageId: id, text })),
    // The best case for an attacker: the very text is known, only not which message is which.
    similar: lines.map(({ text }) => text),
    seed: SecretBytes.from(new Uint8Array(32).fill(seed)),
    language: 'english',
    progress: () => undefined,
  })

describe('what the index gives away', () => {
  const made = report()

  it('is the same for the same seed', () => {
    assert.deepEqual(report(), made)
  })

  it('is no name of a word, not even when a fifth of the messages is known', () => {
    assert.ok(made.aboveChance <= 0.01, String(made.aboveChance))
  })

  it('would be many words if hashes were repeated: the attacks work', () => {
    const { byFrequency, byCoOccurrence, byKnownMessages } = made.namedIfRepeated
    assert.ok(byFrequency > 0.4, String(byFrequency))
    assert.ok(byCoOccurrence > 0.4, String(byCoOccurrence))
    assert.ok(byKnownMessages > 0.4, String(byKnownMessages))
    const queries = made.queriesIfRepeated
    assert.ok(Math.max(queries.byVolume, queries.byCoOccurrence) > 0.1, JSON.stringify(queries))
  })

  it('does not tell noise from words, nor their order', () => {
    assert.ok(made.noise.byCount <= 0.52, String(made.noise.byCount))
    assert.ok(made.noise.byPosition <= 0.52, String(made.noise.byPosition))
    assert.ok(Math.abs(made.orderTau) <= 0.02, String(made.orderTau))
  })

  it('is little of the length, for little storage', () => {
    assert.ok(made.lengthBits <= 2.4, String(made.lengthBits))
    assert.ok(made.storageOverhead <= 0.25, String(made.storageOverhead))
  })

  it('names at most three in a hundred queries, of at most 64 hashes each, and nothing is missed', () => {
    const draws = [made, report(2), report(3), report(4)]
    const queries = draws.map((draw) => draw.queries)
    // One draw of 200 queries scatters; the attacker has the very text, so what is named is above what it will be.
    for (const attack of ['byVolume', 'byAge', 'byCoOccurrence'] as const) {
      const mean = queries.reduce((sum, each) => sum + each[attack], 0) / draws.length
      assert.ok(mean <= 0.03, `${attack}: ${mean}`)
    }
    assert.ok(queries.every(({ mostHashes }) => mostHashes <= 64))
    assert.ok(draws.every(({ recall }) => recall === 1))
  })
})
