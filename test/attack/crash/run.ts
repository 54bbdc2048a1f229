// One life of a realm that dies: what it was sent, what left it, and whether what it left behind keeps the promises
// that the answers made.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { SealedAnswer } from '../../../src/boundary/index.ts'
import type { Letter } from './corridor.ts'
import { toPost } from './corridor.ts'
import type { Orders } from './realm.ts'

export type Manner = 'one by one' | 'all in one post'

export interface Life {
  /** Letters that were sent, and the answers that came. */
  readonly sent: readonly Letter[]
  readonly answers: ReadonlyMap<Letter, SealedAnswer>
  /** Points passed; absent if it died. */
  readonly points?: number
}

/** Ends by its own hand, or by ours after so long. */
export type Order = Orders & { readonly killAfterMs?: number }

type Child = ChildProcessByStdio<Writable, Readable, null>

const PROGRAM = `${import.meta.dirname}/realm.ts`

/** A killed process leaves its temporary files; they go with the scratch folder. Compiled code is kept there as well. */
const launch = (orders: Order, scratch: string): Child =>
  spawn(process.execPath, [PROGRAM, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: scratch, NODE_COMPILE_CACHE: join(scratch, 'compiled') },
  })

const parcelsOf = (letters: readonly Letter[], manner: Manner): readonly (readonly Letter[])[] =>
  manner === 'one by one' ? letters.map((letter) => [letter]) : [letters]

export interface Plan {
  readonly orders: Order
  readonly manner: Manner
  readonly letters: readonly Letter[]
  readonly scratch: string
}

/** Sends the letters until all are answered or the realm is dead. */
export const live = async ({ orders, manner, letters, scratch }: Plan): Promise<Life> => {
  const child = launch(orders, scratch)
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    return done === true ? undefined : JSON.parse(value)
  }
  const sent: Letter[] = []
  const answers = new Map<Letter, SealedAnswer>()
  assert.equal(await next(), 'ready', 'the realm did not start')
  if (orders.killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), orders.killAfterMs)
  for (const parcel of parcelsOf(letters, manner)) {
    sent.push(...parcel)
    child.stdin.write(`${JSON.stringify(toPost(parcel))}\n`)
    const answered = (await next()) as readonly SealedAnswer[] | undefined
    if (answered === undefined) break
    for (const answer of answered) {
      const letter = parcel[answer.n]
      assert.ok(letter, 'an answer to nothing')
      answers.set(letter, answer)
    }
  }
  child.stdin.end()
  const last = (await next()) as { points: number; faults: string[] } | undefined
  await ended
  if (last === undefined) return { sent, answers }
  assert.deepEqual(last.faults, [])
  return { sent, answers, points: last.points }
}

/** Every point, or `most` of them spread evenly, the first and the last always among them. */
export const spread = (points: number, most: number): readonly number[] => {
  if (points <= most) return Array.from({ length: points }, (_, point) => point)
  const chosen = Array.from({ length: most }, (_, n) => Math.round((n * (points - 1)) / (most - 1)))
  return [...new Set(chosen)]
}
