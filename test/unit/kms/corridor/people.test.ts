import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { UserId } from '../../../../src/id.ts'
import { People, type Person, type Transaction } from '../../../../src/kms/index.ts'
import { ALICE, BOB, countingRandom, NOW, ORGANIZATION } from '../world.ts'

/** A table of people whose transaction can be rolled back. */
class Table {
  rows = new Map<UserId, Person>()
  writes = 0

  begin(): { readonly tx: Transaction; readonly rollBack: () => void } {
    const before = new Map(this.rows)
    const people: Pick<Transaction['people'], 'find' | 'remember'> = {
      find: async (ids) => new Map([...this.rows].filter(([id]) => ids.includes(id))),
      remember: async (fresh) => {
        this.writes += 1
        for (const person of fresh) this.rows.set(person.userId, person)
      },
    }
    return {
      // `People` touches this table and nothing else of a transaction.
      tx: { people } as Transaction,
      rollBack: () => {
        this.rows = before
      },
    }
  }
}

const alice = { userId: ALICE, organizationId: ORGANIZATION }

describe('people', () => {
  test('get one pseudonym for ever, and a row when they are first named', async () => {
    const [table, people] = [new Table(), new People(countingRandom())]
    const first = await people.know(table.begin().tx, [alice, { userId: BOB }], NOW)
    const again = await people.know(table.begin().tx, [{ userId: BOB }, alice], NOW)
    assert.equal(again.get(ALICE)?.pseudonym, first.get(ALICE)?.pseudonym)
    assert.notEqual(first.get(ALICE)?.pseudonym, first.get(BOB)?.pseudonym)
    assert.equal(table.writes, 1)
    const afterRestart = await new People(countingRandom()).know(table.begin().tx, [alice], NOW)
    assert.equal(afterRestart.get(ALICE)?.pseudonym, first.get(ALICE)?.pseudonym)
  })

  test('of a transaction that was rolled back are made again: no pseudonym without a row', async () => {
    const [table, people] = [new Table(), new People(countingRandom())]
    const { tx, rollBack } = table.begin()
    await people.know(tx, [alice], NOW)
    await people.know(tx, [{ userId: BOB }], NOW)
    rollBack()
    const known = await people.know(table.begin().tx, [alice, { userId: BOB }], NOW)
    for (const id of [ALICE, BOB]) {
      assert.equal(table.rows.get(id)?.pseudonym, known.get(id)?.pseudonym)
    }
  })

  test('are placed in an organisation once a token says which, under the same pseudonym', async () => {
    const [table, people] = [new Table(), new People(countingRandom())]
    const named = await people.know(table.begin().tx, [{ userId: ALICE }], NOW)
    assert.equal(named.get(ALICE)?.organizationId, undefined)
    const placed = await people.know(table.begin().tx, [{ userId: ALICE }, alice], NOW)
    assert.equal(placed.get(ALICE)?.organizationId, ORGANIZATION)
    assert.equal(placed.get(ALICE)?.pseudonym, named.get(ALICE)?.pseudonym)
    assert.equal(table.rows.get(ALICE)?.organizationId, ORGANIZATION)
  })

  test('who are placed are not written again with every request', async () => {
    const [table, people] = [new Table(), new People(countingRandom())]
    await people.know(table.begin().tx, [{ userId: ALICE }], NOW)
    for (let turn = 0; turn < 5; turn += 1) await people.know(table.begin().tx, [alice], NOW)
    assert.equal(table.writes, 2)
  })
})
