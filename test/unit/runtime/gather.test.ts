import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { gatherWrites } from '../../../src/runtime/index.ts'

const watched = () => {
  const seen: string[][] = []
  const stream = new Writable({
    writev(chunks, done) {
      seen.push(chunks.map(({ chunk }) => String(chunk)))
      done()
    },
  })
  return { stream, seen }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

test('what is written in one turn leaves together, in order', async () => {
  const { stream, seen } = watched()
  const gather = gatherWrites(stream)
  for (const word of ['one', 'two', 'three']) {
    gather()
    stream.write(word)
  }
  assert.deepEqual(seen, [])
  await nextTurn()
  assert.deepEqual(seen, [['one', 'two', 'three']])
})

test('nothing waits for the next turn, and every turn gathers anew', async () => {
  const { stream, seen } = watched()
  const gather = gatherWrites(stream)
  for (const word of ['one', 'two']) {
    gather()
    stream.write(word)
    await nextTurn()
  }
  assert.deepEqual(seen, [['one'], ['two']])
})

test('a stream that ended meanwhile is left in peace', async () => {
  const { stream } = watched()
  const gather = gatherWrites(stream)
  gather()
  stream.destroy()
  await nextTurn()
  assert.equal(stream.destroyed, true)
})
