import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTurns } from '../../../src/core/turns.ts'

test('turns of one key come one after the other, in order; other keys do not wait', async () => {
  const turns = openTurns()
  const order: string[] = []
  const first = await turns.take('room', 1000)
  const waiting = ['a', 'b'].map(async (name) => {
    const release = await turns.take('room', 1000)
    order.push(name)
    release?.()
  })
  assert.ok(await turns.take('other', 0))
  assert.deepEqual(order, [])
  first?.()
  await Promise.all(waiting)
  assert.deepEqual(order, ['a', 'b'])
})

test('whoever has waited long enough goes without, and is not in the way of the next', async () => {
  const turns = openTurns()
  const first = turns.hold('room')
  assert.equal(await turns.take('room', 1), undefined)
  const next = turns.take('room', 1000)
  first()
  assert.ok(await next)
})

test('a turn that is given back twice is given back once', async () => {
  const turns = openTurns()
  const first = turns.hold('room')
  const second = turns.take('room', 1000)
  first()
  const release = await second
  first()
  assert.equal(await turns.take('room', 1), undefined)
  release?.()
  assert.ok(await turns.take('room', 1))
})
