// The crash tests of room operations on one kind of store: the realm dies while the core waits for it, dies again while
// it is asked again, and each time core and realm end up with the same room.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import {
  type Operation,
  planOperations,
  prepareRoomScene,
  type RoomScene,
  reading,
} from './core-side.ts'
import { attemptAll, type Effort, isExhaustive, spread } from './deaths.ts'
import { type Habit, sharesItsFate } from './fate.ts'
import type { Place } from './places.ts'
import { type Frame, type Life, live, type Order } from './run.ts'

const HABITS = ['asks again', 'withdraws'] as const
const MANNERS = ['one by one', 'all at once'] as const

/** In what the core says at first. */
const READINGS = 4

type Ordered = Pick<Order, 'death' | 'isHasty' | 'killAfterMs' | 'withdrawsLate'>

interface Attempt {
  readonly manner: (typeof MANNERS)[number]
  readonly habit: Habit
  /** What each realm is told; they live one after the other. */
  readonly orders: readonly Ordered[]
}

interface Outcome {
  /** How many of its realms died. */
  readonly deaths: number
  readonly lives: readonly Life[]
  readonly ends: readonly string[]
}

/** What the core says to the first realm. */
const firstWords = async (
  { bob, boundKeyUri, toBind }: RoomScene,
  operations: readonly Operation[],
  manner: Attempt['manner'],
): Promise<readonly (readonly Frame[])[]> => {
  const [early, meanwhile, late, rotated] = await Promise.all(
    [boundKeyUri, boundKeyUri, boundKeyUri, toBind[0]].map((uri) => reading(bob, uri)),
  )
  assert.ok(early && meanwhile && late && rotated)
  const asked = operations.map(({ ask, withdrawal, isWithdrawn }) =>
    isWithdrawn ? [ask, withdrawal] : [ask],
  )
  if (manner === 'one by one') return [[early], ...asked, [meanwhile, late], [rotated]]
  const half = operations.length / 2
  return [
    [early, ...asked.slice(0, half).flat(), meanwhile, ...asked.slice(half).flat(), late, rotated],
  ]
}

/** What it says to the next, having heard nothing more of all that. */
const nextWords = (
  operations: readonly Operation[],
  { habit }: Attempt,
  before: readonly Life[],
) => {
  const sent = new Set(before.flatMap((life) => life.sent))
  return operations.map(({ ask, withdrawal }): readonly Frame[] =>
    habit === 'withdraws' || sent.has(withdrawal) ? [withdrawal, ask] : [ask],
  )
}

export const operationCrashTests = (place: Place, effort: Effort): void => {
  const scratch = mkdtempSync(join(tmpdir(), 'keyrealm-crash-'))
  let scene: RoomScene
  before(async () => {
    scene = await prepareRoomScene(place.prepared)
  })
  after(async () => {
    await place.close()
    rmSync(scratch, { recursive: true, force: true })
  })

  const attempt = async (one: Attempt): Promise<Outcome> => {
    const store = await place.copy()
    const operations = await planOperations(scene)
    const lives: Life[] = []
    for (const ordered of one.orders) {
      const orders = { store, signingKey: scene.signingKey, ...ordered }
      const parcels =
        lives.length === 0
          ? await firstWords(scene, operations, one.manner)
          : nextWords(operations, one, lives)
      lives.push(await live({ orders, parcels, scratch }))
    }
    try {
      const ends = await sharesItsFate({ store, scene, operations, lives, habit: one.habit })
      await place.drop(store)
      return { deaths: lives.filter(({ points }) => points === undefined).length, lives, ends }
    } catch (error) {
      throw new Error(`died ${JSON.stringify(one)}`, { cause: error })
    }
  }
  const tryAll = (attempts: readonly Attempt[]) => attemptAll(attempts, effort, attempt)
  /** A life without a death: how many points there are to die at. */
  const pointsOf = async (manner: Attempt['manner'], at: 'port' | 'await'): Promise<number> => {
    const death = { at, after: Number.MAX_SAFE_INTEGER }
    const { lives } = await attempt({ manner, habit: 'asks again', orders: [{ death }] })
    const [whole] = lives
    assert.ok(whole?.points !== undefined && whole.points > 100, 'the points are not counted')
    assert.equal(whole.answers.size, whole.sent.length)
    return whole.points
  }
  const report = (t: TestContext, outcomes: readonly Outcome[], points: string): number => {
    const deaths = outcomes.reduce((sum, one) => sum + one.deaths, 0)
    const ends = outcomes.flatMap((one) => one.ends)
    const withdrawn = ends.filter((end) => end === 'rooms.withdrawn').length
    const applied = ends.length - withdrawn
    t.diagnostic(`${deaths} deaths at ${points}: ${applied} applied, ${withdrawn} withdrawn`)
    assert.ok(applied > 0 && withdrawn > 0, 'every operation ended the same way')
    return deaths
  }
  const areEnough = (deaths: number): void =>
    assert.ok(deaths >= effort.least, `only ${deaths} deaths`)

  test('a realm that told the core before its commit would be caught', async () => {
    // The readers' answers come first.
    const orders = [{ death: { at: 'answer', after: READINGS }, withdrawsLate: 1000 }] as const
    const one = { manner: 'all at once', habit: 'withdraws' } as const
    await attempt({ ...one, orders })
    // It may have committed just in time, but not for ever.
    const caught = async (): Promise<boolean> => {
      const hasty = attempt({ ...one, orders: [{ ...orders[0], isHasty: true }] })
      const why = await hasty.then(
        () => '',
        ({ cause }: Error) => String(cause),
      )
      assert.match(why, /^$|the core was told/)
      return why !== ''
    }
    let isCaught = false
    for (let left = 8; left > 0 && !isCaught; left -= 1) isCaught = await caught()
    assert.ok(isCaught)
  })

  for (const manner of MANNERS) {
    test(`at any call of its store, operations ${manner}`, async (t) => {
      const points = await pointsOf(manner, 'port')
      const attempts = spread(points, points).map((after, n): Attempt => {
        const habit = HABITS[n % 2] ?? 'asks again'
        return { manner, habit, orders: [{ death: { at: 'port', after }, withdrawsLate: n % 7 }] }
      })
      areEnough(report(t, await tryAll(attempts), `${points} calls`))
    })
  }

  test('at any continuation of a promise', async (t) => {
    const points = await pointsOf('all at once', 'await')
    const attempts = spread(points, isExhaustive ? 400 : 60).map((after, n): Attempt => {
      const habit = HABITS[n % 2] ?? 'asks again'
      const orders = [{ death: { at: 'await', after }, withdrawsLate: n % 7 }] as const
      return { manner: 'all at once', habit, orders }
    })
    areEnough(report(t, await tryAll(attempts), `${points} continuations`))
  })

  test('killed from outside at any moment', async (t) => {
    const moments = spread(200, isExhaustive ? 100 : 12)
    const attempts = moments.map((killAfterMs, n): Attempt => {
      const habit = HABITS[n % 2] ?? 'asks again'
      return { manner: 'one by one', habit, orders: [{ killAfterMs, withdrawsLate: n % 7 }] }
    })
    report(t, await tryAll(attempts), `${moments.length} moments`)
  })

  test('twice: once while it is asked, once while it is asked again', async (t) => {
    const points = await pointsOf('one by one', 'port')
    const first = spread(points, isExhaustive ? 40 : 12)
    const attempts = first.map((after, n): Attempt => {
      const habit = HABITS[n % 2] ?? 'asks again'
      const again = (n * 37) % 80
      const orders = [
        { death: { at: 'port', after }, withdrawsLate: n % 7 },
        { death: { at: 'port', after: again } },
      ] as const
      return { manner: 'all at once', habit, orders }
    })
    areEnough(report(t, await tryAll(attempts), `${points} calls, and again`))
  })
}
