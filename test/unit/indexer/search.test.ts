// How much is asked of how many rooms at once.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HASH_BYTES, HASHES_PER_QUERY } from '../../../src/boundary/index.ts'
import { prepareTokenKey, SecretBytes } from '../../../src/crypto/index.ts'
import { blindQuery } from '../../../src/indexer/index.ts'
import { roomsAtOnce } from '../../../src/indexer/search.ts'

describe('a search', () => {
  it('always has at least the first rooms in its answer, however common the word', () => {
    const key = prepareTokenKey(SecretBytes.from(new Uint8Array(32).fill(5)))
    const totals = { messages: 9000, terms: 9000, noise: 9000 }
    for (const mode of ['newest', 'complete'] as const) {
      for (const count of [0, 33, 64, 4000, 4096, 9000]) {
        const room = { key, totals, counters: { get: () => count }, words: [['the']] }
        const { hashes } = blindQuery([room], { page: 0, mode })
        const most = roomsAtOnce(mode) * (hashes.length / HASH_BYTES)
        assert.ok(most <= HASHES_PER_QUERY, `${mode}, ${count}: ${most}`)
      }
    }
  })
})
