import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTokenWorkers, prepareTokenKey, SecretBytes } from '../../../src/crypto/index.ts'
import { Fault } from '../../../src/fault.ts'
import {
  blinding,
  blindMessages,
  hexHashes,
  NOTHING_YET,
  type RoomIndex,
  type RoomTotals,
  TermNames,
  tokenizeOn,
} from '../../../src/indexer/index.ts'

const room: RoomIndex = {
  key: prepareTokenKey(SecretBytes.from(new Uint8Array(32).fill(3))),
  counters: { get: () => 0 },
  totals: NOTHING_YET,
}

describe('blinding', () => {
  it('gives the same on threads as on the caller’s own', async () => {
    const messages = Array.from({ length: 100 }, (_, at) => ['the', `word${at}`, `${at % 7}`])
    const workers = createTokenWorkers({ threads: 1, leastInputs: 1 })
    try {
      const made = await tokenizeOn(workers, blinding(room, messages))
      assert.deepEqual(made, blindMessages(room, messages))
    } finally {
      await workers.close()
    }
  })

  const lengthsIn = (totals: RoomTotals, counts: readonly number[]): readonly number[] =>
    counts.map((count) => {
      const terms = Array.from({ length: count }, (_, at) => `word${at}`)
      const [list] = blindMessages({ ...room, totals }, [terms]).lists
      return (list?.length ?? 0) / 10
    })

  it('fills lists to steps of half a mean message, a new room as if it were chat; an empty message like any other', () => {
    const counts = [0, 1, 4, 5, 9, 10, 135, 136, 145, 163]
    assert.deepEqual(lengthsIn(NOTHING_YET, counts), [4, 4, 4, 9, 9, 13, 135, 144, 162, 180])
  })

  it('takes long steps where people write at length, and short ones where they do not', () => {
    const after = (messages: number, terms: number) => ({ messages, terms, noise: 0 })
    assert.deepEqual(lengthsIn(after(1000, 40_000), [1, 20, 41]), [19, 38, 57])
    assert.deepEqual(lengthsIn(after(1000, 2000), [0, 1, 2, 3]), [2, 2, 2, 4])
  })

  it('counts what it was given, noise too', () => {
    const { lists, totals } = blindMessages(room, [['a', 'b'], [], ['a']])
    const hashes = lists.reduce((sum, list) => sum + list.length / 10, 0)
    assert.deepEqual(totals, { messages: 3, terms: 3, noise: hashes - 3 })
  })

  it('remembers so many names of terms and no more, and prints none', () => {
    const names = new TermNames()
    const terms = Array.from({ length: 5000 }, (_, at) => `word${at}`)
    const made = blindMessages({ ...room, names }, [terms])
    assert.deepEqual(made, blindMessages(room, [terms]))
    assert.ok(names.bytes > 0 && names.bytes < 500_000)
    assert.deepEqual(blindMessages({ ...room, names }, [terms]), made)
    assert.equal(`${names}`, '[secret]')
    assert.throws(() => JSON.stringify(names), Fault)
  })

  it('skips numbers where two terms share a counter, and uses none twice', () => {
    const names = new TermNames()
    for (const term of ['one', 'two']) names.keep(term, 7)
    const counts = new Map<number, number>()
    const sharing = { ...room, names, counters: { get: (id: number) => counts.get(id) ?? 0 } }
    const hashes = [['one'], ['one', 'two'], ['two'], ['one']].flatMap((terms) => {
      const { counted, lists } = blindMessages(sharing, [terms])
      for (const [id, count] of counted) counts.set(id, count)
      return hexHashes(lists[0] ?? new Uint8Array())
    })
    // Noise repeats here: only its number of the room keeps it from that, and the room stays the same.
    const noise = new Set(hexHashes(blindMessages(room, [[]]).lists[0] ?? new Uint8Array()))
    const words = hashes.filter((hash) => !noise.has(hash))
    assert.equal(words.length, 5)
    assert.equal(new Set(words).size, 5)
  })

  it('refuses a term that could be taken for another kind of input', () => {
    assert.throws(
      () => blindMessages(room, [['word\u001f1']]),
      (error) => error instanceof Fault && error.code === 'indexer.term-with-separator',
    )
  })
})
