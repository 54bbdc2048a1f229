import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnswersFrame } from '../../../src/boundary/index.ts'
import { framesOf } from '../../../src/links/answer-frames.ts'

const answersOf = (...sizes: readonly number[]): AnswersFrame => ({
  type: 'answers',
  id: 'r-1',
  answers: sizes.map((size, n) => ({ n, deliverTo: 'd', kmsMessage: 'a'.repeat(size) })),
})
const MIB = 1024 * 1024

test('answers that fit go as they are', () => {
  const answers = answersOf(10, 20)
  assert.deepEqual(framesOf(answers), [answers])
  const none = answersOf()
  assert.deepEqual(framesOf(none), [none])
})

test('answers that do not fit go in order in several frames, and only the last ends the post', () => {
  const answers = answersOf(3 * MIB, 3 * MIB, 3 * MIB, 2 * MIB, 10)
  const frames = framesOf(answers)
  assert.deepEqual(
    frames.flatMap((frame) => frame.answers.map(({ n }) => n)),
    [0, 1, 2, 3, 4],
  )
  assert.deepEqual(
    frames.map(({ more }) => more),
    [true, undefined],
  )
})
