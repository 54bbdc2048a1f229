// Frames and data of relayed streams: what is well formed passes unchanged, everything else is refused.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type CoreFrame,
  decodeStreamData,
  encodeStreamData,
  parseCoreFrame,
  parseRealmFrame,
  type RealmFrame,
  STREAM_ID_MAX,
  STREAM_PIECE_BYTES,
  STREAM_WINDOW_BYTES,
} from '../../../src/boundary/index.ts'
import { isRefusal } from '../../../src/refusal.ts'

const OPEN: RealmFrame = { type: 'stream-open', stream: 1, to: 'kms.globex.example' }
const OPENED: CoreFrame = { type: 'stream-opened-for', stream: 2, from: 'kms.acme.example' }
const EITHER = [
  { type: 'stream-accept', stream: 1 },
  { type: 'stream-refuse', stream: 1, code: 'not-connected' },
  { type: 'stream-credit', stream: 2, bytes: STREAM_WINDOW_BYTES },
  { type: 'stream-end', stream: STREAM_ID_MAX },
  { type: 'stream-abort', stream: 1, code: 'line-lost' },
] as const

describe('frames of streams', () => {
  test('pass as they are, each in its direction', () => {
    assert.deepEqual(parseRealmFrame(OPEN), OPEN)
    assert.deepEqual(parseCoreFrame(OPENED), OPENED)
    assert.ok(isRefusal(parseCoreFrame(OPEN)))
    assert.ok(isRefusal(parseRealmFrame(OPENED)))
    for (const frame of EITHER) {
      assert.deepEqual(parseRealmFrame(frame), frame)
      assert.deepEqual(parseCoreFrame(frame), frame)
    }
  })

  test('with a member more are refused', () => {
    for (const frame of [OPEN, ...EITHER]) {
      assert.ok(isRefusal(parseRealmFrame({ ...frame, note: 'x' })), frame.type)
    }
    assert.ok(isRefusal(parseCoreFrame({ ...OPENED, note: 'x' })))
  })

  test('with a member less are refused', () => {
    for (const frame of [OPEN, ...EITHER]) {
      for (const member of Object.keys(frame)) {
        const { [member]: _, ...rest } = { ...frame } as Record<string, unknown>
        assert.ok(isRefusal(parseRealmFrame(rest)), `${frame.type} without ${member}`)
      }
    }
  })

  test('with values out of range are refused', () => {
    const wrong: readonly object[] = [
      { ...OPEN, stream: 2 },
      { ...OPEN, stream: 0 },
      { ...OPEN, stream: -1 },
      { ...OPEN, stream: 1.5 },
      { ...OPEN, stream: '1' },
      { ...OPEN, stream: STREAM_ID_MAX + 2 },
      { ...OPEN, to: 'KMS.globex.example' },
      { ...OPEN, to: '' },
      { ...EITHER[1], code: 'because' },
      { ...EITHER[2], bytes: 0 },
      { ...EITHER[2], bytes: STREAM_WINDOW_BYTES + 1 },
    ]
    for (const frame of wrong) assert.ok(isRefusal(parseRealmFrame(frame)), JSON.stringify(frame))
    assert.ok(isRefusal(parseCoreFrame({ ...OPENED, stream: 3 })))
  })
})

describe('data of streams', () => {
  const ids = fc.integer({ min: 1, max: STREAM_ID_MAX })
  const pieces = fc.uint8Array({ minLength: 1, maxLength: 200 })

  test('is read as it was written', () => {
    fc.assert(
      fc.property(ids, pieces, (stream, bytes) => {
        const read = decodeStreamData(encodeStreamData({ stream, bytes }))
        assert.equal(read?.stream, stream)
        assert.deepEqual(Uint8Array.from(read?.bytes ?? []), bytes)
      }),
    )
  })

  test('is five bytes of head and then the piece', () => {
    const message = encodeStreamData({ stream: 0x01020304, bytes: new Uint8Array([9]) })
    assert.deepEqual([...message], [1, 1, 2, 3, 4, 9])
  })

  test('of any other form is nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (message) => {
        const read = decodeStreamData(message)
        if (read === undefined) return
        assert.deepEqual(encodeStreamData({ ...read, bytes: read.bytes }), message)
      }),
    )
    const piece = encodeStreamData({ stream: 1, bytes: new Uint8Array(STREAM_PIECE_BYTES) })
    assert.ok(decodeStreamData(piece) !== undefined)
    for (const wrong of [
      new Uint8Array(),
      piece.subarray(0, 5),
      Uint8Array.from([...piece, 0]),
      Uint8Array.from([2, ...piece.subarray(1, 9)]),
      Uint8Array.from([1, 0x80, 0, 0, 1, 7]),
      Uint8Array.from([1, 0, 0, 0, 0, 7]),
    ]) {
      assert.equal(decodeStreamData(wrong), undefined)
    }
  })

  test('that has no place in a message is not written', () => {
    const bytes = new Uint8Array([1])
    for (const wrong of [
      { stream: 0, bytes },
      { stream: STREAM_ID_MAX + 1, bytes },
      { stream: 1, bytes: new Uint8Array() },
      { stream: 1, bytes: new Uint8Array(STREAM_PIECE_BYTES + 1) },
    ]) {
      assert.throws(() => encodeStreamData(wrong), RangeError)
    }
  })
})
