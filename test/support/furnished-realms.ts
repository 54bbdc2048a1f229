// Two realms for a file of tests: opened once, healed before each test, closed at the end.

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach } from 'node:test'
import { TwoRealms } from './two-realms.ts'

/** `settle` gets them when they are open. A fault in either fails the test that met it. */
export const furnishTwoRealms = (settle: (realms: TwoRealms) => Promise<void>): void => {
  let realms: TwoRealms
  before(async () => {
    realms = await TwoRealms.open()
    await settle(realms)
  })
  after(() => realms.close())
  beforeEach(() => realms.heal())
  afterEach(() => {
    assert.deepEqual([realms.acme.realm.faults, realms.globex.realm.faults], [[], []])
  })
}
