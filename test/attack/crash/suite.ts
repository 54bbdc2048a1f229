// The crash tests of requests on one kind of store: a life without a death to count the points, then deaths at as
// many of them as time allows.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  type Manner,
  NOWHERE,
  postsOf,
  prepareScene,
  type Scene,
  writeLetters,
} from './corridor.ts'
import { attemptAll, type Effort, isExhaustive, spread } from './deaths.ts'
import type { Place } from './places.ts'
import { keepsItsPromises } from './promises.ts'
import { live, type Order } from './run.ts'

type Attempt = Pick<Order, 'death' | 'isHasty' | 'killAfterMs'> & { readonly manner: Manner }

export const crashTests = (place: Place, effort: Effort): void => {
  const { least } = effort
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
  const attempt = async ({ manner, ...death }: Attempt) => {
    const store = await place.copy()
    const wire = { corridor: NOWHERE }
    const phone = scene.phoneAt(wire)
    const letters = await writeLetters(scene, phone, wire)
    const { parcels, cameOf } = postsOf(letters, manner)
    const orders = { store, signingKey: scene.signingKey, ...death }
    const lived = await live({ orders, parcels, scratch })
    const life = { ...lived, ...cameOf(lived) }
    try {
      await keepsItsPromises({ store, scene, life, phone, wire })
    } catch (error) {
      throw new Error(`died ${JSON.stringify(death)}, ${manner}`, { cause: error })
    }
    await place.drop(store)
    return life
  }
  const tryAll = (attempts: readonly Attempt[]) => attemptAll(attempts, effort, attempt)

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
      const lives = await tryAll(deaths.map((after) => ({ manner, death: { at: 'port', after } })))
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
    const lives = await tryAll(deaths.map((after) => ({ manner, death: { at: 'await', after } })))
    assert.ok(lives.length >= least, `only ${lives.length} deaths`)
    t.diagnostic(`${lives.length} deaths at ${points} points`)
  })

  test('a realm that is killed from outside at any moment keeps its promises', async (t) => {
    const manner = 'one by one'
    const startedAt = performance.now()
    await attempt({ manner })
    const mostMs = Math.min(200, performance.now() - startedAt)
    const moments = spread(Math.ceil(mostMs), isExhaustive ? 100 : 12)
    const lives = await tryAll(moments.map((killAfterMs) => ({ manner, killAfterMs })))
    const died = lives.filter((life) => life.points === undefined).length
    t.diagnostic(`${died} deaths`)
  })
}
