import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Act } from '../../../src/audit/index.ts'
import { encodeEntry, type Orphan, reconcile } from '../../../src/audit/index.ts'
import { instant } from '../../../src/time.ts'
import { aPlace, NOW } from './world.ts'

const ALICE = { kind: 'person', id: 'p-alice' } as const
const BOT = { kind: 'service', id: 'p-bot' } as const
const SYSTEM = { kind: 'system' } as const
const done = { outcome: 'done' } as const

const released = (key: string, changes: Partial<Act> = {}): Act => ({
  ...{ ...done, action: 'key.released', actor: ALICE, clientId: 'laptop', keys: [key] },
  ...changes,
})
const used = (key: string, changes: Partial<Act> = {}): Act => ({
  ...{ ...done, action: 'key.used', actor: ALICE, clientId: 'laptop' },
  uses: [{ at: '2026-03-01T10:00:00.000Z', key, purpose: 'receive' }],
  ...changes,
})
const machine = (action: string, feature: string, resource?: string): Act => ({
  ...{ ...done, action, actor: SYSTEM, subjects: [BOT.id] },
  details: { name: 'bot', feature, isEverywhere: resource === undefined },
  ...(resource === undefined ? {} : { resource }),
})
const byBot = (changes: Partial<Act> = {}) =>
  released('k', { actor: BOT, clientId: 'server', resource: 'room', ...changes })

/** One entry a second. */
const run = async (
  acts: readonly Act[],
  options: {
    since?: string
    until?: string
    areReceiptsExpected?: boolean
    pairsAtOnce?: number
  } = {},
) => {
  const entries = acts.map((act, index) => ({
    sequence: index + 1,
    body: encodeEntry(act, aPlace({ counter: index + 1, time: instant(NOW + index * 1000) })),
  }))
  const orphans: Orphan[] = []
  const read = async function* () {
    yield* entries
  }
  const found = await reconcile(read, { ...options, onOrphan: (one) => orphans.push(one) })
  return { ...found, orphans: orphans.map(({ side, sequence, key }) => [side, sequence, key]) }
}

describe('a release', () => {
  test('is confirmed by a receipt of the device that it went to', async () => {
    const found = await run([released('a'), used('a')])
    assert.deepEqual([found.receipted, found.usesExplained, found.orphans], [1, 1, []])
  })

  test('to a device that sends receipts, but none for it, is an orphan', async () => {
    const found = await run([released('a'), used('a'), released('b')])
    assert.deepEqual(found.orphans, [['release', 3, 'b']])
  })

  test('is not confirmed by another device of the same person: that is what a stolen token looks like', async () => {
    const phone = { clientId: 'phone' }
    const theirs = [released('a'), used('a'), released('c', phone), used('c', phone)]
    const found = await run([...theirs, released('a', phone)])
    assert.deepEqual(found.orphans, [['release', 5, 'a']])
  })

  test('to a device that sends no receipts accuses nobody, and is counted by kind', async () => {
    const found = await run([
      released('a'),
      released('b', { actor: { kind: 'anonymous', id: 'x' } }),
    ])
    assert.deepEqual([found.orphans, found.silent], [[], { person: 1, anonymous: 1 }])
  })

  test('is every answer that carries keys, and no refusal', async () => {
    const more = (['key.created', 'key.bound', 'answer.repeated'] as const).map((action, index) =>
      released(`k${index}`, { action }),
    )
    const none = [
      released('r', { outcome: 'refused' }),
      released('s', { action: 'answer.repeated', type: 'RESOURCE_COLLECTION' }),
      released('t', { action: 'resource.created' }),
    ]
    const found = await run([released('a'), used('a'), ...more, ...none])
    assert.deepEqual(
      found.orphans.map(([, , key]) => key),
      ['k0', 'k1', 'k2'],
    )
  })
})

describe('a use', () => {
  test('that no release explains is an orphan, also of a key of somebody else', async () => {
    const phone = { clientId: 'phone' }
    const found = await run([released('a'), used('a'), used('b'), used('a', phone)])
    assert.deepEqual(found.orphans, [
      ['use', 3, 'b'],
      ['use', 4, 'a'],
    ])
  })

  test('that was recorded before the release explains nothing and is not explained by it', async () => {
    const found = await run([used('a'), released('a')])
    assert.deepEqual(found.orphans, [
      ['use', 1, 'a'],
      ['release', 2, 'a'],
    ])
  })

  test('that was refused says nothing', async () => {
    const { outcome: _, ...rest } = used('a')
    assert.deepEqual((await run([{ ...rest, outcome: 'refused' }])).orphans, [])
  })
})

describe('a device that sends no receipts', () => {
  const quiet = { clientId: 'a device\twith spaces' }

  test('is counted and not accused, unless all are known to send them', async () => {
    const acts = [released('a'), used('a'), released('b', quiet)]
    const found = await run(acts)
    assert.deepEqual([found.orphans, found.silent], [[], { person: 1 }])
    const strict = await run(acts, { areReceiptsExpected: true })
    assert.deepEqual([strict.orphans, strict.silent], [[['release', 3, 'b']], {}])
  })

  test('for one of its keys is a sender all the same, whatever it calls itself', async () => {
    const found = await run([released('a', quiet), used('a', quiet), released('b', quiet)])
    assert.deepEqual(found.orphans, [['release', 3, 'b']])
  })
})

describe('a machine', () => {
  const grant = machine('machine.granted', 'read-keys', 'room')
  const explained = async (...acts: readonly Act[]) => (await run(acts)).releaseOrphans === 0

  test('needs a grant that stands when the key leaves', async () => {
    assert.equal((await run([grant, byBot()])).granted, 1)
    assert.ok(await explained(machine('machine.granted', 'read-keys'), byBot()))
    assert.ok(!(await explained(byBot(), grant)), 'granted too late')
    assert.ok(!(await explained(grant, machine('machine.revoked', 'read-keys', 'room'), byBot())))
    assert.ok(!(await explained(grant, machine('machine.disabled', 'x'), byBot())))
    assert.ok(!(await explained(grant, byBot({ resource: 'other room' }))))
    assert.ok(!(await explained(machine('machine.granted', 'index'), byBot())))
  })

  test('that indexes needs the grant for that, and the room not left out', async () => {
    const indexed = byBot({ action: 'index.keys-used' })
    const index = machine('machine.granted', 'index')
    const room = (action: string): Act => ({ ...done, action, actor: SYSTEM, resource: 'room' })
    assert.ok(await explained(index, indexed))
    assert.ok(!(await explained(machine('machine.granted', 'read-keys'), indexed)))
    assert.ok(!(await explained(index, room('index.room-left-out'), indexed)))
    const [out, back] = [room('index.room-left-out'), room('index.room-let-in')]
    assert.ok(await explained(index, out, back, indexed))
  })

  test('without a grant is explained by a receipt as anybody is', async () => {
    const receipt = used('k', { actor: BOT, clientId: 'server' })
    assert.ok(await explained(byBot(), receipt))
  })
})

test('only what was recorded in the time asked for is judged, by all that is known', async () => {
  const at = (second: number) => new Date(NOW + second * 1000).toISOString()
  const acts = [released('a'), released('b'), used('a'), used('b'), released('c'), released('d')]
  assert.deepEqual((await run(acts, { since: at(2), until: at(4) })).orphans, [])
  assert.deepEqual((await run(acts, { since: at(5) })).orphans, [['release', 6, 'd']])
  const late = await run(acts, { until: at(2) })
  assert.deepEqual([late.receipted, late.usesExplained, late.orphans], [2, 0, []])
})

test('what is found does not depend on how much is held in memory', async () => {
  const act = fc.record({
    isUse: fc.boolean(),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    clientId: fc.constantFrom('laptop', 'phone', 'tablet'),
    actor: fc.constantFrom(ALICE, BOT),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (some, pairsAtOnce) => {
        const acts = some.map(({ isUse, key, ...who }) => (isUse ? used : released)(key, who))
        const { passes: _one, orphans, ...whole } = await run(acts)
        const { passes: _many, orphans: others, ...parts } = await run(acts, { pairsAtOnce })
        assert.deepEqual(parts, whole)
        assert.deepEqual(others.map(String).sort(), orphans.map(String).sort())
      },
    ),
    { numRuns: 200 },
  )
})
