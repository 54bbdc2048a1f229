// Instants and durations: what is a date-time, and what is not.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  after,
  before,
  instant,
  isPast,
  milliseconds,
  parseRfc3339,
  seconds,
  toRfc3339,
} from '../../../src/time.ts'

const START = instant(1_772_359_200_000)

describe('an instant', () => {
  test('is whole milliseconds', () => {
    assert.equal(instant(1.9), 1)
    assert.equal(milliseconds(1.9), 1)
  })

  test('is past at its own millisecond, and not one before', () => {
    assert.equal(isPast(START, START), true)
    assert.equal(isPast(START, before(START, milliseconds(1))), false)
    assert.equal(isPast(START, after(START, milliseconds(1))), true)
  })

  test('prints as RFC 3339 in UTC with milliseconds', () => {
    assert.equal(toRfc3339(START), '2026-03-01T10:00:00.000Z')
  })

  test('survives printing and parsing', () => {
    const years1970to9999 = fc.integer({ min: 0, max: 253_402_300_799_999 })
    fc.assert(
      fc.property(years1970to9999, (time) => parseRfc3339(toRfc3339(instant(time))) === time),
    )
  })
})

describe('a duration', () => {
  test('is never negative', () => {
    assert.equal(milliseconds(-1), 0)
    assert.equal(seconds(-1), 0)
  })

  test('of seconds is a thousand times as many milliseconds', () => {
    assert.equal(seconds(90), milliseconds(90_000))
  })

  test('added and taken away again leads back', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        (count) => before(after(START, milliseconds(count)), milliseconds(count)) === START,
      ),
    )
  })
})

describe('parsing RFC 3339', () => {
  const accepted: readonly (readonly [string, number])[] = [
    ['2026-03-01T10:00:00Z', 1_772_359_200_000],
    ['2026-03-01T10:00:00.5Z', 1_772_359_200_500],
    ['2026-03-01T10:00:00.123456789Z', 1_772_359_200_123],
    ['2026-03-01T11:00:00+01:00', 1_772_359_200_000],
    ['2026-03-01t10:00:00z', 1_772_359_200_000],
  ]
  for (const [text, time] of accepted)
    test(`accepts ${text}`, () => assert.equal(parseRfc3339(text), time))

  const refused: readonly unknown[] = [
    '',
    '2026-03-01',
    '2026-03-01T10:00:00',
    '2026-03-01 10:00:00Z',
    '2026-13-01T10:00:00Z',
    '2026-03-32T10:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T10:00:60Z',
    '2026-03-01T10:00:00.1234567890Z',
    '2026-03-01T10:00:00+24:00',
    ' 2026-03-01T10:00:00Z',
    '2026-02-30T10:00:00Z',
    '2026-03-01T10:00:00Z\n',
    1_772_359_200_000,
    null,
    undefined,
    {},
  ]
  for (const raw of refused)
    test(`refuses ${JSON.stringify(raw)}`, () => assert.equal(parseRfc3339(raw), undefined))

  test('gives an instant or nothing for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseRfc3339(text)
        return parsed === undefined || Number.isSafeInteger(parsed)
      }),
    )
  })
})
