import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTokenWorkers, prepareTokenKey, SecretBytes } from '../../../src/crypto/index.ts'
import { Fault } from '../../../src/fault.ts'
import { blinding, blindMessages, type RoomIndex, tokenizeOn } from '../../../src/indexer/index.ts'

const room: RoomIndex = {
  key: prepareTokenKey(SecretBytes.from(new Uint8Array(32).fill(3))),
  counters: { get: () => 0 },
  noise: 0,
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

  it('fills lists to multiples of five, beyond sixty of twenty; an empty message is filled like any other', () => {
    const lengths = [0, 1, 5, 6, 59, 60, 61, 100, 101].map((count) => {
      const terms = Array.from({ length: count }, (_, at) => `word${at}`)
      const [list] = blindMessages(room, [terms]).lists
      return (list?.length ?? 0) / 10
    })
    assert.deepEqual(lengths, [5, 5, 5, 10, 60, 60, 80, 100, 120])
  })

  it('refuses a term that could be taken for another kind of input', () => {
    assert.throws(
      () => blindMessages(room, [['word\u001f1']]),
      (error) => error instanceof Fault && error.code === 'indexer.term-with-separator',
    )
  })
})
