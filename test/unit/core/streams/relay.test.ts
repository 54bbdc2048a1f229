// Streams between two realms, as the core carries them: order, pace, bounds, fairness, and nothing left behind.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  STREAM_PIECE_BYTES,
  STREAM_PIECES_WAITING,
  STREAM_WINDOW_BYTES,
  type StreamFrameOfRealm,
} from '../../../../src/boundary/index.ts'
import { instant } from '../../../../src/time.ts'
import { ACME, GLOBEX, INITECH, makeLine, makeRelay } from './lines.ts'

const piece = (size: number, fill = 7): Uint8Array => new Uint8Array(size).fill(fill)

describe('a stream is carried', () => {
  test('both ways, by its number on each line, in order', () => {
    const { relay, acme, globex, connect } = makeRelay()
    const [here, there] = connect(1)
    assert.deepEqual(globex.frames, [{ type: 'stream-opened-for', stream: 2, from: ACME }])
    assert.deepEqual(acme.frames, [{ type: 'stream-accept', stream: 1 }])
    relay.takeData(ACME, { stream: here, bytes: piece(3, 1) }, acme)
    relay.takeData(ACME, { stream: here, bytes: piece(3, 2) }, acme)
    relay.takeData(GLOBEX, { stream: there, bytes: piece(2, 9) }, globex)
    assert.deepEqual(
      globex.data.map(({ stream, bytes }) => [stream, ...bytes]),
      [
        [2, 1, 1, 1],
        [2, 2, 2, 2],
      ],
    )
    assert.deepEqual(
      acme.data.map(({ stream, bytes }) => [stream, ...bytes]),
      [[1, 9, 9]],
    )
  })

  test('until both sides have said their end, behind their data', () => {
    const { relay, acme, globex, connect, counts } = makeRelay()
    const [here, there] = connect(1)
    globex.isFlowing = false
    for (let n = 0; n < 4; n += 1) {
      relay.takeData(ACME, { stream: here, bytes: piece(STREAM_PIECE_BYTES) }, acme)
    }
    relay.take(ACME, { type: 'stream-end', stream: here }, acme)
    assert.deepEqual(globex.order, ['stream-opened-for', 'data 2', 'data 2'])
    relay.take(GLOBEX, { type: 'stream-end', stream: there }, globex)
    assert.equal(relay.open, 0)
    globex.flow()
    globex.flow()
    assert.deepEqual(globex.order.slice(1), [...Array(4).fill('data 2'), 'stream-end'])
    assert.equal(acme.order.at(-1), 'stream-end')
    assert.deepEqual(counts, [1, 0])
  })

  test('and an abort of either side ends both', () => {
    const { relay, acme, globex, connect } = makeRelay()
    const [, there] = connect(1)
    relay.take(GLOBEX, { type: 'stream-abort', stream: there, code: 'closed' }, globex)
    assert.deepEqual(acme.frames.at(-1), { type: 'stream-abort', stream: 1, code: 'closed' })
    assert.equal(relay.open, 0)
  })
})

describe('a stream is not opened', () => {
  const refusedWith = (
    frame: StreamFrameOfRealm,
    { relay, acme }: ReturnType<typeof makeRelay>,
  ) => {
    assert.equal(relay.take(ACME, frame, acme), true)
    const answer = acme.frames.at(-1)
    return answer?.type === 'stream-refuse' ? answer.code : answer?.type
  }
  const open = (to: string, stream = 1) => ({ type: 'stream-open', stream, to }) as const

  test('to nobody, to oneself, or to a realm that is away', () => {
    assert.equal(refusedWith(open('kms.nobody.example'), makeRelay()), 'unknown-domain')
    assert.equal(refusedWith(open(ACME), makeRelay()), 'unknown-domain')
    assert.equal(refusedWith(open('kms.away.example'), makeRelay()), 'not-connected')
  })

  test('when the other realm refuses, or says nothing for too long', async () => {
    const refusing = makeRelay()
    refusing.relay.take(ACME, open(GLOBEX), refusing.acme)
    const no = { type: 'stream-refuse', stream: 2, code: 'too-many' } as const
    refusing.relay.take(GLOBEX, no, refusing.globex)
    assert.deepEqual(refusing.acme.frames, [{ ...no, stream: 1 }])

    const silent = makeRelay({ acceptWithinMs: 5 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const { send } = silent.acme
    silent.acme.send = (text) => {
      send(text)
      resolve()
    }
    silent.relay.take(ACME, open(GLOBEX), silent.acme)
    await promise
    assert.deepEqual(silent.acme.frames, [
      { type: 'stream-refuse', stream: 1, code: 'not-accepted' },
    ])
    assert.equal(silent.relay.open, 0)
  })

  test('beyond the bounds of a pair and of a realm, which do not bind others', () => {
    const world = makeRelay({ perPair: 2, perRealm: 3 })
    world.connect(1)
    world.connect(3)
    assert.equal(refusedWith(open(GLOBEX, 5), world), 'too-many')
    world.connect(7, INITECH)
    assert.equal(refusedWith(open(INITECH, 9), world), 'too-many')
    const { relay, globex, initech } = world
    relay.take(GLOBEX, { type: 'stream-open', stream: 1, to: INITECH }, globex)
    assert.equal(initech.frames.at(-1)?.type, 'stream-opened-for')
  })

  test('more often than a second allows', () => {
    let now = 0
    const world = makeRelay({ opensPerSecond: 2, now: () => instant(now) })
    world.connect(1)
    world.connect(3)
    assert.equal(refusedWith(open(GLOBEX, 5), world), 'too-many')
    now = 1000
    world.connect(7)
  })

  test('by a number that is not greater than the last: that line should end', () => {
    const { relay, acme, connect } = makeRelay()
    connect(5)
    assert.equal(relay.take(ACME, open(GLOBEX, 5), acme), false)
    assert.equal(relay.take(ACME, open(GLOBEX, 3), acme), false)
  })
})

describe('a realm that breaks the rules of a stream loses it', () => {
  const broken: Readonly<Record<string, (world: ReturnType<typeof makeRelay>) => void>> = {
    'by more data than it has credit': ({ relay, acme, connect }) => {
      const [stream] = connect(1)
      for (let sent = 0; sent <= STREAM_WINDOW_BYTES; sent += STREAM_PIECE_BYTES) {
        relay.takeData(ACME, { stream, bytes: piece(STREAM_PIECE_BYTES) }, acme)
      }
    },
    'by data before it was accepted': ({ relay, acme }) => {
      relay.take(ACME, { type: 'stream-open', stream: 1, to: GLOBEX }, acme)
      relay.takeData(ACME, { stream: 1, bytes: piece(1) }, acme)
    },
    'by data after its end': ({ relay, acme, connect }) => {
      const [stream] = connect(1)
      relay.take(ACME, { type: 'stream-end', stream }, acme)
      relay.takeData(ACME, { stream, bytes: piece(1) }, acme)
    },
    'by a second end': ({ relay, acme, connect }) => {
      const [stream] = connect(1)
      relay.take(ACME, { type: 'stream-end', stream }, acme)
      relay.take(ACME, { type: 'stream-end', stream }, acme)
    },
    'by accepting what it opened itself': ({ relay, acme }) => {
      relay.take(ACME, { type: 'stream-open', stream: 1, to: GLOBEX }, acme)
      relay.take(ACME, { type: 'stream-accept', stream: 1 }, acme)
    },
    'by refusing what it accepted': ({ relay, globex, connect }) => {
      const [, stream] = connect(1)
      relay.take(GLOBEX, { type: 'stream-refuse', stream, code: 'closed' }, globex)
    },
    'by credit for what was never sent': ({ relay, globex, connect }) => {
      const [, stream] = connect(1)
      relay.take(GLOBEX, { type: 'stream-credit', stream, bytes: 1 }, globex)
    },
  }
  for (const [how, act] of Object.entries(broken)) {
    test(how, () => {
      const world = makeRelay()
      act(world)
      const end = { type: 'stream-abort', code: 'protocol' }
      assert.deepEqual(world.acme.frames.at(-1), { ...end, stream: 1 })
      assert.deepEqual(world.globex.frames.at(-1), { ...end, stream: 2 })
      assert.equal(world.relay.open, 0)
    })
  }

  test('and cannot touch the streams of others by their numbers', () => {
    const { relay, initech, globex, acme, connect } = makeRelay()
    const [here, there] = connect(1)
    const before = [acme.order.length, globex.order.length]
    for (const stream of [here, there]) {
      relay.takeData(INITECH, { stream, bytes: piece(1) }, initech)
      relay.take(INITECH, { type: 'stream-abort', stream, code: 'closed' }, initech)
    }
    assert.deepEqual([acme.order.length, globex.order.length], before)
    assert.equal(relay.open, 1)
  })
})

describe('a line', () => {
  test('that drops takes its streams with it, and only those', () => {
    const { relay, acme, globex, initech, connect } = makeRelay()
    connect(1)
    connect(3, INITECH)
    relay.lineDown(GLOBEX, globex)
    assert.deepEqual(acme.frames.at(-1), { type: 'stream-abort', stream: 1, code: 'line-lost' })
    assert.equal(relay.open, 1)
    relay.lineDown(ACME, acme)
    assert.equal(initech.frames.at(-1)?.type, 'stream-abort')
    assert.equal(relay.open, 0)
  })

  test('that was replaced has no say in the streams of its successor', () => {
    const { relay, acme, connect, globex } = makeRelay()
    connect(1)
    const successor = makeLine()
    relay.lineUp(ACME, successor)
    assert.equal(globex.frames.at(-1)?.type, 'stream-abort')
    assert.equal(relay.take(ACME, { type: 'stream-open', stream: 3, to: GLOBEX }, acme), true)
    relay.lineDown(ACME, acme)
    assert.equal(relay.take(ACME, { type: 'stream-open', stream: 1, to: GLOBEX }, successor), true)
    assert.equal(relay.open, 1)
  })

  test('that is slow holds no more than the windows of its streams, and frames pass its data', () => {
    const { relay, acme, globex, connect } = makeRelay()
    globex.isFlowing = false
    const streams = [1, 3, 5].map((id) => connect(id)[0])
    for (let sent = 0; sent < STREAM_WINDOW_BYTES; sent += STREAM_PIECE_BYTES) {
      for (const stream of streams) {
        relay.takeData(ACME, { stream, bytes: piece(STREAM_PIECE_BYTES) }, acme)
      }
    }
    // What is on its way is little; the rest waits its turn, and a frame goes at once.
    assert.ok(globex.stuckBytes() <= 3 * STREAM_PIECE_BYTES)
    relay.take(ACME, { type: 'stream-open', stream: 7, to: GLOBEX }, acme)
    assert.equal(globex.order.at(-1), 'stream-opened-for')
  })

  test('gives each stream its turn', () => {
    const { relay, acme, globex, connect } = makeRelay()
    const [one, two] = [connect(1)[0], connect(3)[0]]
    globex.isFlowing = false
    for (const stream of [one, one, one, one, two]) {
      relay.takeData(ACME, { stream, bytes: piece(STREAM_PIECE_BYTES) }, acme)
    }
    globex.isFlowing = true
    globex.flow()
    const order = globex.order.filter((what) => what.startsWith('data'))
    assert.deepEqual(order, ['data 2', 'data 2', 'data 2', 'data 4', 'data 2'])
  })
})

describe('whatever realms do', () => {
  const domains = [ACME, GLOBEX] as const
  interface Step {
    readonly who: 0 | 1
    readonly what: 'open' | 'accept' | 'data' | 'credit' | 'end' | 'abort' | 'flow' | 'relink'
    readonly stream: number
    readonly size: number
  }
  const steps: fc.Arbitrary<Step> = fc.record({
    who: fc.constantFrom(0, 1),
    what: fc.constantFrom('open', 'accept', 'data', 'credit', 'end', 'abort', 'flow', 'relink'),
    stream: fc.integer({ min: 1, max: 12 }),
    size: fc.integer({ min: 1, max: STREAM_PIECE_BYTES }),
  })

  const makePair = () => {
    const { relay } = makeRelay()
    const newSide = (who: 0 | 1) => {
      const line = makeLine()
      line.isFlowing = false
      relay.lineUp(domains[who], line)
      return { line, next: 1 }
    }
    const sides = [newSide(0), newSide(1)] as const
    return { relay, sides: [...sides], newSide }
  }
  type Pair = ReturnType<typeof makePair>

  const act = ({ relay, sides, newSide }: Pair, { who, what, stream, size }: Step): void => {
    const side = sides[who] ?? newSide(who)
    const say = (frame: StreamFrameOfRealm) => relay.take(domains[who], frame, side.line)
    const acts: Readonly<Record<Step['what'], () => unknown>> = {
      open() {
        say({ type: 'stream-open', stream: side.next, to: domains[who === 0 ? 1 : 0] })
        side.next += 2
      },
      accept: () => say({ type: 'stream-accept', stream }),
      data: () => relay.takeData(domains[who], { stream, bytes: piece(size) }, side.line),
      credit: () => say({ type: 'stream-credit', stream, bytes: size }),
      end: () => say({ type: 'stream-end', stream }),
      abort: () => say({ type: 'stream-abort', stream, code: 'closed' }),
      flow: () => side.line.flow(),
      relink() {
        sides[who] = newSide(who)
      },
    }
    acts[what]()
  }

  test('little is under way, nothing follows an abort, and nothing is left at the end', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 120 }), (history) => {
        const pair = makePair()
        for (const step of history) {
          act(pair, step)
          const stuck = pair.sides.map(({ line }) => line.stuckBytes())
          assert.ok(Math.max(...stuck) < 64 * 1024 + STREAM_PIECE_BYTES + 64)
        }
        for (const [who, { line }] of pair.sides.entries()) {
          pair.relay.lineDown(domains[who] ?? ACME, line)
        }
        assert.equal(pair.relay.open, 0)
      }),
      { numRuns: 150 },
    )
  })

  test('10,000 streams leave nothing behind', () => {
    const { relay, acme, globex, connect, counts } = makeRelay()
    for (let n = 0; n < 10_000; n += 1) {
      const [here, there] = connect(1 + 2 * n)
      relay.takeData(ACME, { stream: here, bytes: piece(1) }, acme)
      if (n % 3 === 0)
        relay.take(GLOBEX, { type: 'stream-abort', stream: there, code: 'closed' }, globex)
      else {
        relay.take(ACME, { type: 'stream-end', stream: here }, acme)
        relay.take(GLOBEX, { type: 'stream-end', stream: there }, globex)
      }
    }
    assert.equal(relay.open, 0)
    assert.equal(Math.max(...counts), 1)
  })
})

describe('a window that is used byte by byte', () => {
  test('ends the stream long before it is full, if nobody takes them', () => {
    const { relay, acme, globex, connect } = makeRelay()
    const [here] = connect(1)
    globex.isFlowing = false
    for (let n = 0; n <= STREAM_PIECES_WAITING; n += 1) {
      relay.takeData(ACME, { stream: here, bytes: piece(1) }, acme)
    }
    assert.deepEqual(acme.frames.at(-1), { type: 'stream-abort', stream: 1, code: 'protocol' })
    assert.equal(relay.open, 0)
  })

  test('and costs nothing where they are taken', () => {
    const { relay, acme, globex, connect } = makeRelay()
    const [here] = connect(1)
    for (let n = 0; n <= STREAM_PIECES_WAITING; n += 1) {
      relay.takeData(ACME, { stream: here, bytes: piece(1) }, acme)
    }
    assert.equal(globex.data.length, STREAM_PIECES_WAITING + 1)
    assert.equal(relay.open, 1)
  })
})
