// Laws of the audit room: an entry is canonical whatever the act; a chain tells exactly where it was touched; the
// counter of a boot has no holes whatever was rolled back.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type Act,
  chain,
  createRecorder,
  EMPTY_HEAD,
  encodeEntry,
  firstBreak,
} from '../../src/audit/index.ts'
import { instant } from '../../src/time.ts'
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

const bodies = fc.array(fc.string(), { minLength: 1, maxLength: 12 })

describe('a chain', () => {
  it('is whole, from every head in it', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), (list, at) => {
        const log = chain(EMPTY_HEAD, list)
        const cut = at % log.length
        assert.equal(firstBreak(EMPTY_HEAD, log), undefined)
        assert.equal(firstBreak(log[cut] ?? EMPTY_HEAD, log.slice(cut + 1)), undefined)
      }),
    )
  })

  it('breaks at exactly the entry whose body or hash was changed', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), fc.string(), fc.nat(255), (list, at, body, flip) => {
        const log = chain(EMPTY_HEAD, list)
        const index = at % log.length
        const entry = log[index]
        assert.ok(entry)
        if (body !== entry.body) {
          assert.equal(firstBreak(EMPTY_HEAD, log.with(index, { ...entry, body })), index + 1)
        }
        const hash = Uint8Array.from(entry.hash)
        hash[flip % 32] = (hash[flip % 32] ?? 0) ^ (1 << (flip % 8))
        assert.equal(firstBreak(EMPTY_HEAD, log.with(index, { ...entry, hash })), index + 1)
      }),
    )
  })

  it('breaks at exactly the first entry that is missing, and not at a cut tail', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), (list, at) => {
        const log = chain(EMPTY_HEAD, list)
        const index = at % log.length
        const isTail = index === log.length - 1
        assert.equal(
          firstBreak(EMPTY_HEAD, log.toSpliced(index, 1)),
          isTail ? undefined : index + 1,
        )
      }),
    )
  })

  it('rewritten from some entry on meets the first entry that was kept', () => {
    fc.assert(
      fc.property(bodies, bodies, fc.nat(), (list, forged, at) => {
        const log = chain(EMPTY_HEAD, list)
        const from = at % log.length
        const rewritten = chain(log[from - 1] ?? EMPTY_HEAD, forged)
        const kept = log.slice(from + forged.length)
        const isSame = forged.every((body, index) => body === log[from + index]?.body)
        fc.pre(!isSame && kept.length > 0)
        const sequence = from + forged.length + 1
        assert.equal(
          firstBreak(EMPTY_HEAD, [...log.slice(0, from), ...rewritten, ...kept]),
          sequence,
        )
      }),
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
          await recorder.record(
            log,
            Array.from({ length: acts }, () => anAct()),
            NOW,
          )
          if (isRolledBack) log.entries = before
          else recorder.committed(acts)
        }
        const counters = log.entries.map(({ body }) => JSON.parse(body).counter)
        assert.deepEqual(
          counters,
          counters.map((_, index) => index + 1),
        )
        assert.equal(firstBreak(EMPTY_HEAD, log.entries), undefined)
      }),
    )
  })
})
