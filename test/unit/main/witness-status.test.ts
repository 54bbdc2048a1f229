import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type WitnessState, witnessName } from '../../../src/audit/index.ts'
import { standingsOf } from '../../../src/main/witness-status.ts'
import { instant } from '../../../src/time.ts'
import { someWitnessKeys } from '../../support/witnesses.ts'

const [good, late] = ['good.example', 'late.example'].map(
  (name) => someWitnessKeys(name).verifiers[0],
)
const published = { size: 100, generation: 2 }

const aState = (key: typeof good, changes: Partial<WitnessState>): WitnessState => ({
  ...{
    witness: key === undefined ? '' : witnessName(key),
    generation: 2,
    size: 100,
    line: 'a line\n',
  },
  ...{ cosignedAt: instant(5), failures: 0, code: '', claimedSize: 0, triedAt: instant(5) },
  ...changes,
})

describe('how a witness stands', () => {
  assert.ok(good && late)

  test('is what it co-signed last, how far behind that is, and why it did not go on', () => {
    const problem = { size: 40, failures: 3, code: 'witness.ahead', claimedSize: 170 }
    const states = [aState(good, {}), aState(late, problem)]
    assert.deepEqual(standingsOf(published, states, [late, good]), [
      {
        ...{ witness: witnessName(late), size: 40, lagEntries: 60, failures: 3 },
        ...{ cosignedAt: 5, code: 'witness.ahead', claimedSize: 170 },
      },
      { witness: witnessName(good), size: 100, lagEntries: 0, failures: 0, cosignedAt: 5 },
    ])
  })

  test('is the whole log behind for one that was never asked, or only before a restore', () => {
    const nothing = { witness: witnessName(good), size: 0, lagEntries: 100, failures: 0 }
    assert.deepEqual(standingsOf(published, [], [good]), [nothing])
    assert.deepEqual(standingsOf(published, [aState(good, { generation: 1 })], [good]), [nothing])
    const unheard = aState(good, {
      size: 0,
      cosignedAt: instant(0),
      failures: 1,
      code: 'witness.refused',
    })
    assert.deepEqual(standingsOf(published, [unheard], [good]), [
      { ...nothing, failures: 1, code: 'witness.refused' },
    ])
  })
})
