import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  createFilter,
  createShipper,
  type NumberedEntry,
  type ShipCursor,
  type ShipperOptions,
  type ShippingStore,
  shipStatus,
} from '../../../src/audit/index.ts'
import { Fault } from '../../../src/fault.ts'
import { after, instant, seconds } from '../../../src/time.ts'
import { anEntry } from './layouts/entries.ts'

const NOW = instant(1_767_225_700_000)

/** The store's rules, without a database: test/contract holds the real ones against the same promises. */
const someCursors = () => {
  const cursors = new Map<string, ShipCursor>()
  const store: ShippingStore = {
    cursors: async () => [...cursors.values()],
    claim: async ({ destination, holder, now, until }) => {
      const known = cursors.get(destination)
      if (known !== undefined && known.holder !== holder && known.leaseUntil > now) return undefined
      const claimed = { destination, sequence: known?.sequence ?? 0, holder, leaseUntil: until }
      cursors.set(destination, claimed)
      return claimed
    },
    advance: async (destination, holder, sequence) => {
      const known = cursors.get(destination)
      if (known?.holder !== holder) return false
      cursors.set(destination, { ...known, sequence, leaseUntil: instant(0) })
      return true
    },
    release: async (destination) => {
      const known = cursors.get(destination)
      if (known !== undefined) cursors.set(destination, { ...known, leaseUntil: instant(0) })
    },
  }
  return { cursors, store }
}

type Step = 'open' | 'write' | 'conclude'

interface Wishes {
  readonly entries?: number
  readonly log?: readonly NumberedEntry[]
  /** Called at each step; throwing fails it. */
  readonly at?: (step: Step) => void
  readonly options?: Partial<ShipperOptions>
}

/** A log, a receiver, and time that passes only while somebody waits. */
const aWorld = ({ entries = 0, log, at = () => undefined, options = {} }: Wishes) => {
  const held = log ?? Array.from({ length: entries }, (_, index) => anEntry({}, index + 1))
  const { cursors, store } = someCursors()
  const world = { received: [] as string[], writes: [] as number[], reads: [] as number[] }
  const pauses: number[] = []
  let elapsed = 0
  const shipper = createShipper({
    destination: 'siem',
    holder: 'me',
    source: {
      read: async (from, limit) => {
        world.reads.push(limit)
        return held.filter(({ sequence }) => sequence > from).slice(0, limit)
      },
      cursor: async () => cursors.get('siem'),
      write: (work) => work(store),
    },
    target: {
      concludeAfter: seconds(10),
      open: async () => {
        at('open')
        return {
          write: async (lines) => {
            world.writes.push(lines.length)
            world.received.push(...lines)
            at('write')
          },
          conclude: async () => at('conclude'),
          abandon: () => undefined,
        }
      },
    },
    wants: () => true,
    render: ({ sequence }) => `${sequence}`,
    now: () => NOW,
    elapsedMs: () => elapsed,
    pause: async (length, signal) => {
      // The lease's own clock: work here ends at once, so its wait is over at once.
      if (length === seconds(10)) {
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve())
          if (signal.aborted) resolve()
        })
        return
      }
      pauses.push(length)
      elapsed += length
    },
    jitter: () => 1,
    ...options,
  })
  const run = () => shipper.run(new AbortController().signal)
  const cursor = () => cursors.get('siem')?.sequence ?? 0
  return { ...world, cursors, store, pauses, shipper, run, cursor }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}`)

describe('a shipper', () => {
  test('delivers every entry in order, a batch at a time, and then moves its cursor', async () => {
    const world = aWorld({ entries: 1000 })
    await world.run()
    assert.deepEqual(world.received, numbers(1000))
    assert.deepEqual(world.writes, [256, 256, 256, 232])
    assert.ok(Math.max(...world.reads) <= 256)
    assert.equal(world.cursor(), 1000)
    assert.equal(world.shipper.progress().state, 'idle')
  })

  test('holds nothing of an entry that did not arrive for certain: it is sent again', async () => {
    let failures = 2
    const world = aWorld({
      entries: 5,
      at: (step) => {
        if (step === 'conclude' && failures-- > 0) throw new Fault('links.ship-lost')
      },
    })
    await world.run()
    assert.equal(world.cursor(), 0)
    const { state, lastError } = world.shipper.progress()
    assert.deepEqual({ state, lastError }, { state: 'failing', lastError: 'links.ship-lost' })
    for (let round = 0; round < 10; round += 1) await world.run()
    assert.equal(world.cursor(), 5)
    assert.deepEqual([...new Set(world.received)], numbers(5))
    assert.equal(world.shipper.progress().lastError, undefined)
  })

  test('pauses longer after each failure, up to a minute', async () => {
    const world = aWorld({
      entries: 1,
      at: () => {
        throw new Fault('links.ship-unreachable')
      },
    })
    for (let round = 0; round < 10; round += 1) await world.run()
    assert.deepEqual(world.pauses.slice(0, 3), [500, 1000, 2000])
    assert.equal(world.pauses.at(-1), 60_000)
  })

  test('loses nothing and swaps nothing, wherever it fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 700 }),
        fc.array(fc.boolean(), { maxLength: 25 }),
        async (entries, failures) => {
          const left = [...failures]
          const world = aWorld({
            entries,
            at: () => {
              if (left.shift() === true) throw new Fault('links.ship-lost')
            },
          })
          for (let round = 0; round < 200 && world.cursor() < entries; round += 1) {
            const before = world.received.length
            const from = world.cursor()
            await world.run()
            const sent = world.received.slice(before)
            assert.deepEqual(sent, numbers(entries).slice(from, from + sent.length))
          }
          assert.equal(world.cursor(), entries)
          assert.deepEqual([...new Set(world.received)], numbers(entries))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('moves over what a destination does not want without opening it', async () => {
    const opened: Step[] = []
    const world = aWorld({
      entries: 300,
      at: (step) => opened.push(step),
      options: { wants: createFilter({ outcomes: ['refused'] }) },
    })
    await world.run()
    assert.deepEqual(opened, [])
    assert.equal(world.cursor(), 300)
  })

  test('ships nothing behind a gap, and says so', async () => {
    const log = [anEntry({}, 1), anEntry({}, 3)]
    const world = aWorld({ log })
    await world.run()
    assert.deepEqual(world.received, [])
    assert.equal(world.cursor(), 0)
    assert.equal(world.shipper.progress().lastError, 'audit.ship-gap')
  })

  test('leaves a destination to the node that holds it, until its lease ends', async () => {
    const world = aWorld({ entries: 3 })
    const claim = { destination: 'siem', holder: 'another', now: NOW }
    await world.store.claim({ ...claim, until: after(NOW, seconds(30)) })
    await world.run()
    assert.equal(world.shipper.progress().state, 'elsewhere')
    assert.deepEqual(world.received, [])
    world.cursors.set('siem', { ...claim, sequence: 1, leaseUntil: NOW })
    await world.run()
    assert.deepEqual(world.received, ['2', '3'])
  })

  test('moves no cursor that another node has taken over meanwhile', async () => {
    const world = aWorld({
      entries: 3,
      at: (step) => {
        if (step !== 'conclude') return
        world.cursors.set('siem', {
          destination: 'siem',
          sequence: 1,
          holder: 'another',
          leaseUntil: after(NOW, seconds(30)),
        })
      },
    })
    await world.run()
    assert.equal(world.cursor(), 1)
    assert.equal(world.shipper.progress().lastError, 'audit.ship-lease-lost')
  })

  test('gives its lease back with every end, good or bad', async () => {
    const failing = aWorld({
      entries: 1,
      at: () => {
        throw new Fault('links.ship-lost')
      },
    })
    await failing.run()
    assert.equal(failing.cursors.get('siem')?.leaseUntil, 0)
    const stopping = new AbortController()
    const world = aWorld({ entries: 3, at: (step) => step === 'write' && stopping.abort() })
    await world.shipper.run(stopping.signal)
    assert.equal(world.cursor(), 3)
    assert.equal(world.cursors.get('siem')?.leaseUntil, 0)
  })
})

describe('a filter', () => {
  const wants = (filter: Parameters<typeof createFilter>[0], action: string) =>
    createFilter(filter)(anEntry({ action }))

  test('names actions, or all actions of a noun', () => {
    assert.equal(wants({ actions: ['key.*'] }, 'key.released'), true)
    assert.equal(wants({ actions: ['key.*'] }, 'keys.created'), false)
    assert.equal(wants({ actions: ['key.released'] }, 'key.released'), true)
    assert.equal(wants({ actions: ['key.released'] }, 'key.released-twice'), false)
    assert.equal(wants({ actions: ['key.*'], outcomes: ['refused'] }, 'key.released'), false)
  })

  test('never hides what it cannot read', () => {
    assert.equal(createFilter({ actions: ['key.*'] })({ sequence: 1, body: '{' }), true)
  })
})

describe('the status of a destination', () => {
  const alarmAfter = seconds(60)
  const progress = { state: 'shipping', written: 6 } as const
  const backlog = { delivered: 6, newest: 9, oldestWaiting: anEntry({}, 7) }

  test('is an alarm once an entry waits too long, whatever the reason', () => {
    const at = (ms: number) =>
      shipStatus('siem', progress, backlog, { now: instant(1_767_225_600_123 + ms), alarmAfter })
    assert.deepEqual(
      [at(60_000).isAlarm, at(60_001).isAlarm, at(60_001).lagSeconds, at(0).lagEntries],
      [false, true, 60, 3],
    )
    assert.equal(at(-3_600_000).isAlarm, true, 'nor for how long when the clock was turned back')
  })

  test('is no alarm while nothing waits', () => {
    const all = shipStatus('siem', progress, { delivered: 9, newest: 9 }, { now: NOW, alarmAfter })
    assert.deepEqual([all.isAlarm, all.lagEntries, all.lagSeconds], [false, 0, 0])
  })
})
