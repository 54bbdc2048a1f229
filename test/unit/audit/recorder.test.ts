import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRecorder, type Recorder } from '../../../src/audit/index.ts'
import { assertNumbered } from '../../support/numbered.ts'
import { anAct, MemoryLog, NOW } from './world.ts'

const countersOf = (log: MemoryLog) => log.entries.map((entry) => JSON.parse(entry.body).counter)

/** What a ledger does: record, commit, tell. */
const commit = async (recorder: Recorder, log: MemoryLog, count: number) => {
  const acts = Array.from({ length: count }, () => anAct())
  recorder.committed(await recorder.record(log, acts, NOW))
}

describe('the recorder', () => {
  test('appends one entry per act, in order, numbered', async () => {
    const [recorder, log] = [createRecorder('acme', 'node-1', 'boot-1'), new MemoryLog()]
    await recorder.record(log, [anAct({ requestId: 'a' }), anAct({ requestId: 'b' })], NOW)
    assert.deepEqual(
      log.entries.map((entry) => JSON.parse(entry.body).requestId),
      ['a', 'b'],
    )
    assertNumbered(log.entries)
  })

  test('counts the entries of one boot from 1 without holes', async () => {
    const [recorder, log] = [createRecorder('acme', 'node-1', 'boot-1'), new MemoryLog()]
    for (const count of [1, 3, 0, 2]) await commit(recorder, log, count)
    assert.deepEqual(countersOf(log), [1, 2, 3, 4, 5, 6])
  })

  test('does not count what was rolled back', async () => {
    const [recorder, log] = [createRecorder('acme', 'node-1', 'boot-1'), new MemoryLog()]
    await commit(recorder, log, 2)
    const before = log.entries
    await recorder.record(log, [anAct(), anAct()], NOW)
    log.entries = before
    await commit(recorder, log, 2)
    assert.deepEqual(countersOf(log), [1, 2, 3, 4])
    assertNumbered(log.entries)
  })

  test('begins again at 1 with the next boot, in the same log', async () => {
    const log = new MemoryLog()
    await commit(createRecorder('acme', 'node-1', 'boot-1'), log, 2)
    await commit(createRecorder('acme', 'node-1', 'boot-2'), log, 2)
    assert.deepEqual(countersOf(log), [1, 2, 1, 2])
    assertNumbered(log.entries)
  })

  test('does not even ask for the head if there is nothing to record', async () => {
    const log = new MemoryLog()
    log.head = () => assert.fail('the head was locked for nothing')
    await createRecorder('acme', 'node-1', 'boot-1').record(log, [], NOW)
  })
})

describe('an entry', () => {
  test('that would be too long for auditors to fetch becomes parts, none of it lost', async () => {
    const [recorder, log] = [createRecorder('acme', 'node-1', 'boot-1'), new MemoryLog()]
    const keys = Array.from({ length: 3000 }, (_, index) => `kms://kms.acme.example/keys/${index}`)
    recorder.committed(await recorder.record(log, [anAct({ keys, subjects: ['p-1'] })], NOW))
    await commit(recorder, log, 1)
    const entries = log.entries.map(({ body }) => JSON.parse(body))
    assert.ok(entries.length > 2)
    assert.deepEqual(
      entries.flatMap((entry) => entry.keys ?? []),
      keys,
    )
    const of = entries.length - 1
    assert.deepEqual(
      entries.map(({ part }) => part),
      [...Array.from({ length: of }, (_, index) => ({ index: index + 1, of })), undefined],
    )
    for (const { body } of log.entries) assert.ok(Buffer.byteLength(body) <= 65_535)
    assert.deepEqual(
      countersOf(log),
      entries.map((_, index) => index + 1),
    )
  })
})
