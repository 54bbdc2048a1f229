// Laws of the audit room: an entry is canonical whatever the act; the counter of a boot has no holes, whatever was
// rolled back.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Act, createRecorder, encodeEntry } from '../../src/audit/index.ts'
import { instant } from '../../src/time.ts'
import { assertNumbered } from '../support/numbered.ts'
import { canonicalJson } from '../unit/audit/canonical-json.ts'
import { anAct, aPlace, type FULL_ACT, MemoryLog, NOW } from '../unit/audit/world.ts'

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string(),
)
const texts = fc.array(anyText, { maxLength: 3 })
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
// Names of details are words of ours, never of a caller.
const word = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
const details = fc.dictionary(word, fc.oneof(anyText, number, fc.boolean()), {
  maxKeys: 4,
  noNullPrototype: true,
})
const anyAct: fc.Arbitrary<Act> = fc.record(
  {
    action: fc.constant('key.released'),
    outcome: fc.constantFrom('done' as const, 'refused' as const, 'failed' as const),
    actor: fc.record(
      { kind: fc.constantFrom('person' as const, 'system' as const), id: fc.uuid() },
      { requiredKeys: ['kind'] },
    ),
    onBehalfOf: fc.uuid(),
    code: fc.constantFrom('kms.locked', 'request.invalid'),
    type: fc.constantFrom('KEY' as const, 'MESSAGE' as const),
    organizationId: fc.uuid(),
    method: anyText,
    uri: anyText,
    requestId: anyText,
    clientId: anyText,
    session: anyText,
    trackingId: anyText,
    resource: anyText,
    keys: texts,
    authorizations: texts,
    subjects: texts,
    uses: fc.array(fc.record({ at: anyText, key: anyText, purpose: anyText }), { maxLength: 3 }),
    part: fc.record({ index: fc.nat(), of: fc.nat() }),
    sizeBytes: fc.nat(),
    durationMs: fc.nat(),
    details,
  } satisfies { [Member in keyof typeof FULL_ACT]: unknown },
  { requiredKeys: ['action', 'outcome', 'actor'] },
)

describe('an entry', () => {
  it('is canonical JSON (RFC 8785) for every act', () => {
    fc.assert(
      fc.property(anyAct, fc.nat(), fc.integer({ min: 0, max: 4e12 }), (act, counter, time) => {
        const text = encodeEntry(act, aPlace({ counter, time: instant(time) }))
        assert.ok(text.isWellFormed())
        assert.equal(text, canonicalJson(JSON.parse(text)))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the counter of a boot', () => {
  it('has no holes, whatever was rolled back in between', async () => {
    const steps = fc.array(fc.record({ acts: fc.nat(4), isRolledBack: fc.boolean() }), {
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const [recorder, log] = [createRecorder('acme', 'node-1', 'boot-1'), new MemoryLog()]
        for (const { acts, isRolledBack } of list) {
          const before = log.entries
          const recorded = await recorder.record(
            log,
            Array.from({ length: acts }, () => anAct()),
            NOW,
          )
          if (isRolledBack) log.entries = before
          else recorder.committed(recorded)
        }
        const counters = log.entries.map(({ body }) => JSON.parse(body).counter)
        assert.deepEqual(
          counters,
          counters.map((_, index) => index + 1),
        )
        assertNumbered(log.entries)
      }),
    )
  })
})
