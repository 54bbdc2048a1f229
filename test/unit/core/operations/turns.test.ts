import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTurns, type Turns } from '../../../../src/core/operations/turns.ts'

const take = async (turns: Turns, key: string, withinMs: number) =>
  (await turns.take(() => [key], withinMs))?.release

test('turns of one key come one after the other, in order; other keys do not wait', async () => {
  const turns = openTurns()
  const order: string[] = []
  const first = await take(turns, 'room', 1000)
  const waiting = ['a', 'b'].map(async (name) => {
    const release = await take(turns, 'room', 1000)
    order.push(name)
    release?.()
  })
  assert.ok(await take(turns, 'other', 0))
  assert.deepEqual(order, [])
  first?.()
  await Promise.all(waiting)
  assert.deepEqual(order, ['a', 'b'])
})

test('whoever has waited long enough goes without, and is not in the way of the next', async () => {
  const turns = openTurns()
  const first = turns.hold(['room'])
  assert.equal(await take(turns, 'room', 1), undefined)
  const next = take(turns, 'room', 1000)
  first()
  assert.ok(await next)
})

test('a turn that is given back twice is given back once', async () => {
  const turns = openTurns()
  const first = turns.hold(['room'])
  const second = take(turns, 'room', 1000)
  first()
  const release = await second
  first()
  assert.equal(await take(turns, 'room', 1), undefined)
  release?.()
  assert.ok(await take(turns, 'room', 1))
})

test('two turns are taken in one order, whoever names them how; or none', async () => {
  const turns = openTurns()
  const both = await turns.take(() => ['b', 'a', 'b'], 1000)
  assert.deepEqual(both?.keys, ['a', 'b'])
  assert.equal(await turns.take(() => ['b', 'c'], 1), undefined)
  assert.ok(await take(turns, 'c', 0), 'what did not come together was given back')
  const [left, right] = [turns.take(() => ['a', 'b'], 1000), turns.take(() => ['b', 'a'], 1000)]
  both?.release()
  ;(await left)?.release()
  ;(await right)?.release()
  assert.ok(await take(turns, 'a', 1))
})

test('turns that are the wrong ones when they have come are given back for the right ones', async () => {
  const turns = openTurns()
  let mine = 'room'
  const first = turns.hold(['room', 'team'])
  const waiting = turns.take(() => [mine], 1000)
  mine = 'team'
  first()
  assert.deepEqual((await waiting)?.keys, ['team'])
  assert.ok(await take(turns, 'room', 1))
})
