// The crash tests of one kind of store: a life without a death to count the points, then deaths at as many of them as
// time allows, spread evenly. KEYREALM_EVERY_CRASH=1 tries every one and takes its time.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { NOWHERE, prepareScene, type Scene, writeLetters } from './corridor.ts'
import type { Place } from './places.ts'
import { keepsItsPromises } from './promises.ts'
import { type Life, live, type Manner, type Order, spread } from './run.ts'

const isExhaustive = process.env['KEYREALM_EVERY_CRASH'] === '1'
const EVERYTHING_MS = 3_600_000
const LANES = 2

type Attempt = Pick<Order, 'death' | 'isHasty' | 'killAfterMs'> & { readonly manner: Manner }

export interface Effort {
  /** How long each test may go on starting new realms. */
  readonly budgetMs: number
  /** Fewer deaths than this prove nothing. */
  readonly least: number
}

export const crashTests = (place: Place, { budgetMs, least }: Effort): void => {
  const scratch = mkdtempSync(join(tmpdir(), 'keyrealm-crash-'))
  let scene: Scene
  before(async () => {
    scene = await prepareScene(place.prepared)
  })
  after(async () => {
    await place.close()
    rmSync(scratch, { recursive: true, force: true })
  })

  /** One realm's life and what came of it. */
  const attempt = async ({ manner, ...death }: Attempt): Promise<Life> => {
    const store = await place.copy()
    const wire = { corridor: NOWHERE }
    const phone = scene.phoneAt(wire)
    const letters = await writeLetters(scene, phone, wire)
    const orders = { store, signingKey: scene.signingKey, ...death }
    const life = await live({ orders, manner, letters, scratch })
    try {
      await keepsItsPromises({ store, scene, life, phone, wire })
    } catch (error) {
      throw new Error(`died ${JSON.stringify(death)}, ${manner}`, { cause: error })
    }
    await place.drop(store)
    return life
  }

  /** Deaths in parallel lanes until they are through or time is up; answers the lives that ended early. */
  const attemptAll = async (attempts: readonly Attempt[]): Promise<readonly Life[]> => {
    const until = performance.now() + (isExhaustive ? EVERYTHING_MS : budgetMs)
    const lives: Life[] = []
    const queue = shuffled(attempts)[Symbol.iterator]()
    const lane = async (): Promise<void> => {
      for (const one of queue) {
        if (performance.now() > until) return
        lives.push(await attempt(one))
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    return lives
  }

  test('a realm that answered before its commit would be caught', async () => {
    const death = { at: 'answer', after: 0 } as const
    await attempt({ manner: 'all in one post', death })
    const caught = attempt({ manner: 'all in one post', death, isHasty: true })
    await assert.rejects(caught, ({ cause }: Error) => /has no entry/.test(String(cause)))
  })

  for (const manner of ['one by one', 'all in one post'] as const) {
    test(`a realm that dies at any call of its store keeps its promises, ${manner}`, async (t) => {
      const whole = await attempt({ manner })
      const { points } = whole
      assert.ok(points !== undefined && points > 50, 'the points are not counted')
      assert.equal(whole.answers.size, whole.sent.length)
      const deaths = spread(points, points)
      const lives = await attemptAll(
        deaths.map((after) => ({ manner, death: { at: 'port', after } })),
      )
      // How requests are grouped is a matter of moments, so a few lives have fewer points than that.
      const died = lives.filter((life) => life.points === undefined)
      assert.ok(died.length >= least, `only ${died.length} deaths`)
      const partly = died.filter(({ answers }) => answers.size > 0).length
      t.diagnostic(`${died.length} deaths at ${points} points, ${partly} after some answers`)
    })
  }

  test('a realm that dies at any continuation of a promise keeps its promises', async (t) => {
    const manner = 'one by one'
    const never = { at: 'await', after: Number.MAX_SAFE_INTEGER } as const
    const { points } = await attempt({ manner, death: never })
    assert.ok(points !== undefined && points > 500, 'the points are not counted')
    const deaths = spread(points, isExhaustive ? 400 : 60)
    const lives = await attemptAll(
      deaths.map((after) => ({ manner, death: { at: 'await', after } })),
    )
    assert.ok(lives.length >= least, `only ${lives.length} deaths`)
    t.diagnostic(`${lives.length} deaths at ${points} points`)
  })

  test('a realm that is killed from outside at any moment keeps its promises', async (t) => {
    const manner = 'one by one'
    const startedAt = performance.now()
    await attempt({ manner })
    const mostMs = Math.min(200, performance.now() - startedAt)
    const moments = spread(Math.ceil(mostMs), isExhaustive ? 100 : 12)
    const lives = await attemptAll(moments.map((killAfterMs) => ({ manner, killAfterMs })))
    const died = lives.filter((life) => life.points === undefined).length
    t.diagnostic(`${died} deaths`)
  })
}

/** In an order that is spread over the whole from its beginning, and the same every time. */
const shuffled = <One>(all: readonly One[]): readonly One[] => {
  const step = coprime(all.length)
  return all
    .map((_one, index) => all[(index * step) % all.length])
    .filter((one) => one !== undefined)
}

const coprime = (length: number): number => {
  const greatestDivisor = (a: number, b: number): number =>
    b === 0 ? a : greatestDivisor(b, a % b)
  let step = Math.max(1, Math.round(length * 0.618))
  while (greatestDivisor(step, length) > 1) step += 1
  return step
}
