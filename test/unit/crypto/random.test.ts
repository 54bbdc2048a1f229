import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemRandom } from '../../../src/crypto/index.ts'
import { isUuid } from '../../../src/id.ts'

describe('the source of randomness', () => {
  it('never gives the same bytes twice, across many refills of its pool', () => {
    const seen = new Set<string>()
    for (let draw = 0; draw < 5000; draw += 1) {
      seen.add(Buffer.from(systemRandom.bytes(12)).toString('hex'))
    }
    assert.equal(seen.size, 5000)
  })

  it('gives exactly what was asked for, small and large, and never a view of its pool', () => {
    for (const count of [0, 1, 12, 16, 32, 64, 65, 4096, 10_000]) {
      const bytes = systemRandom.bytes(count)
      assert.equal(bytes.length, count)
      assert.equal(bytes.buffer.byteLength, count)
    }
  })

  it('gives lower-case UUIDs', () => {
    assert.ok(isUuid(systemRandom.uuid()))
    assert.notEqual(systemRandom.uuid(), systemRandom.uuid())
  })
})
