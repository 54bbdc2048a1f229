import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../../src/fault.ts'
import { sqliteDialect } from '../../../src/store/dialect/sqlite.ts'
import type { Link } from '../../../src/store/statement.ts'
import { type Begun, prepareRun } from '../../../src/store/transaction.ts'

const run = prepareRun(sqliteDialect)

/** A database that writes down what is asked of it, and fails to commit as told. */
const fake = (failures: readonly (Fault | undefined)[]) => {
  const asked: string[] = []
  const remaining = [...failures]
  const link: Link = {
    all: () => Promise.resolve([]),
    run: () => Promise.resolve(0),
    insertAll: () => Promise.resolve(0),
  }
  const begin = async (): Promise<Begun> => {
    asked.push('begin')
    return {
      link,
      async commit() {
        asked.push('commit')
        const failure = remaining.shift()
        if (failure !== undefined) throw failure
      },
      async rollback() {
        asked.push('rollback')
      },
    }
  }
  return { asked, begin }
}

const conflict = new Fault('store.conflict')

test('a serialization failure runs the work again', async () => {
  const { asked, begin } = fake([conflict, conflict])
  let runs = 0
  assert.equal(await run(begin, async () => ++runs), 3)
  const failed = ['begin', 'commit', 'rollback']
  assert.deepEqual(asked, [...failed, ...failed, 'begin', 'commit'])
})

test('it is not run again for ever', async () => {
  const { asked, begin } = fake(Array.from({ length: 99 }, () => conflict))
  await assert.rejects(
    run(begin, async () => 0),
    conflict,
  )
  assert.equal(asked.filter((word) => word === 'begin').length, 5)
})

test('any other failure is not run again', async () => {
  for (const failure of [new Fault('store.unavailable'), new Error('a decision went wrong')]) {
    const { asked, begin } = fake([])
    await assert.rejects(
      run(begin, () => Promise.reject(failure)),
      failure,
    )
    assert.deepEqual(asked, ['begin', 'rollback'])
  }
})

test('a statement that nobody waited for is over before the commit', async () => {
  const { asked, begin } = fake([])
  const slow = async (): Promise<Begun> => {
    const begun = await begin()
    const all: Link['all'] = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      asked.push('statement over')
      return []
    }
    return { ...begun, link: { ...begun.link, all } }
  }
  await run(slow, async (tx) => {
    void tx.keys.find([])
  })
  assert.deepEqual(asked, ['begin', 'statement over', 'commit'])
})
