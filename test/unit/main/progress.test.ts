// Whoever watches a terminal sees how far it is; nobody else sees anything, and nothing stays.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withProgress } from '../../../src/main/progress.ts'

const written = () => {
  const lines: string[] = []
  const output = { out: () => assert.fail(), error: (text: string) => void lines.push(text) }
  return { lines, output }
}

test('on a terminal one line is written over, and taken away when the work ends', async () => {
  const { lines, output } = written()
  const work = withProgress(
    output,
    ({ show, say }) => {
      show(3 * 1024 * 1024, 'checked')
      // Too soon after the one before.
      show(4 * 1024 * 1024, 'checked')
      say('bringing the database forward')
      throw new Error('no')
    },
    true,
  )
  await assert.rejects(work, /no/)
  assert.deepEqual(lines, [
    '\r\u001b[K3.0 MiB checked',
    '\r\u001b[Kbringing the database forward …',
    '\r\u001b[K',
  ])
})

test('on a pipe nothing is said', async () => {
  const { lines, output } = written()
  const result = await withProgress(
    output,
    ({ show, say }) => {
      show(1, 'checked')
      say('anything')
      return 7
    },
    false,
  )
  assert.deepEqual({ result, lines }, { result: 7, lines: [] })
})
