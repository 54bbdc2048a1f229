// One life of a realm that dies: what it was sent and what left it before it was dead.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { MessagesFrame, WithdrawFrame } from '../../../src/boundary/index.ts'
import type { OperationAnswer } from '../../../src/kms/index.ts'
import type { Orders } from './realm.ts'

/** What the core says. */
export type Frame = MessagesFrame | WithdrawFrame

export interface Life {
  /** Frames that were sent, and the answers that came. */
  readonly sent: readonly Frame[]
  readonly answers: ReadonlyMap<Frame, OperationAnswer>
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

export interface Plan {
  readonly orders: Order
  /** The frames of one parcel are sent at once; the next follows when all of them are answered. */
  readonly parcels: readonly (readonly Frame[])[]
  readonly scratch: string
}

interface Answered {
  readonly index: number
  readonly answer: OperationAnswer
}

/** Sends the parcels until all are answered or the realm is dead. */
export const live = async ({ orders, parcels, scratch }: Plan): Promise<Life> => {
  const child = launch(orders, scratch)
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    return done === true ? undefined : JSON.parse(value)
  }
  const sent: Frame[] = []
  const answers = new Map<Frame, OperationAnswer>()
  const hasAnswered = async (parcel: readonly Frame[]): Promise<boolean> => {
    for (const _frame of parcel) {
      const answered = (await next()) as Answered | undefined
      if (answered === undefined) return false
      const frame = parcel[answered.index]
      assert.ok(frame, 'an answer to nothing')
      answers.set(frame, answered.answer)
    }
    return true
  }
  assert.equal(await next(), 'ready', 'the realm did not start')
  if (orders.killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), orders.killAfterMs)
  for (const parcel of parcels) {
    sent.push(...parcel)
    child.stdin.write(`${JSON.stringify(parcel)}\n`)
    if (!(await hasAnswered(parcel))) break
  }
  child.stdin.end()
  const last = (await next()) as { points: number; faults: string[] } | undefined
  await ended
  if (last === undefined) return { sent, answers }
  assert.deepEqual(last.faults, [])
  return { sent, answers, points: last.points }
}
