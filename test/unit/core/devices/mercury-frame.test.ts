import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseMercuryFrame } from '../../../../src/core/devices/mercury-frame.ts'

test('any text is a frame or none, and never a crash', () => {
  const frame = fc.record(
    {
      type: fc.oneof(fc.constantFrom('authorization', 'ping', 'ack', 'x'), fc.jsonValue()),
      id: fc.jsonValue(),
      data: fc.jsonValue(),
      messageId: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    frame.map((value) => JSON.stringify(value)),
  )
  fc.assert(
    fc.property(text, (raw) => {
      const parsed = parseMercuryFrame(raw)
      assert.ok(parsed === undefined || typeof parsed.type === 'string')
    }),
  )
})
