// A realm that dies: takes the core's frames on its input, one JSON array a line, does those of a line at once, writes
// each answer to its output as it comes, and kills itself (SIGKILL) at the point it was told. What has been written by
// then has left the realm.
//   node realm.ts '{"store":…,"signingKey":…,"death":{"at":"port","after":12}}'

import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { promiseHooks } from 'node:v8'
import type { IndexedStore } from '../../../src/indexer/index.ts'
import { type OperationAnswer, operationAnswer, withdrawOperation } from '../../../src/kms/index.ts'
import type { StoreSettings } from '../../../src/store/index.ts'
import { World } from '../../support/world.ts'
import type { Frame } from './run.ts'
import { watching } from './watched-store.ts'

export interface Death {
  /**
   * `port`: before and after every call of the store; `await`: before every continuation of a promise;
   * `answer`: once an answer has left.
   */
  readonly at: 'port' | 'await' | 'answer'
  /** How many points it survives. */
  readonly after: number
}

export interface Orders {
  readonly store: StoreSettings
  /** Public key of whoever signs the tokens. */
  readonly signingKey: Readonly<Record<string, unknown>>
  readonly death?: Death
  /** Turns of the event loop before it looks at a withdrawal, so that it meets what it withdraws half way. */
  readonly withdrawsLate?: number
  /** Answers before it commits. Nobody does that; the tests must notice if somebody did. */
  readonly isHasty?: boolean
}

const orders: Orders = JSON.parse(process.argv[2] ?? '{}')
const { death } = orders
let isArmed = false
let points = 0

const reach = (): void => {
  if (!isArmed) return
  if (points === death?.after) process.kill(process.pid, 'SIGKILL')
  points += 1
}
const never = (): void => undefined
const atPort = death === undefined || death.at === 'port' ? reach : never
const atAnswer = death?.at === 'answer' ? reach : atPort
if (death?.at === 'await') promiseHooks.onBefore(reach)

const watchRun = watching(() => atPort())

type Run = IndexedStore['transact']

const COMMITS_LATE_MS = 50

const hastily =
  (run: Run): Run =>
  (work) =>
    new Promise((resolve, reject) => {
      const whole = run(async (tx) => {
        const done = await work(tx)
        resolve(done)
        await setTimeout(COMMITS_LATE_MS)
        return done
      })
      whole.catch(reject)
    })

const watchStore = (store: IndexedStore): IndexedStore => {
  const transact: Run = (work) => store.transact(work)
  return {
    transact: watchRun(orders.isHasty === true ? hastily(transact) : transact),
    read: watchRun((work) => store.read(work)),
  }
}

const world = await World.open({ store: orders.store, wrapStore: watchStore })
world.realm.provider.jwks.keys.splice(0, Number.POSITIVE_INFINITY, { ...orders.signingKey })
writeSync(1, '"ready"\n')

const answerTo = async (frame: Frame): Promise<OperationAnswer> => {
  const { corridor } = world.realm
  if (frame.type === 'withdraw') {
    for (let turn = 0; turn < (orders.withdrawsLate ?? 0); turn += 1) await setImmediate()
    return operationAnswer(await withdrawOperation(world.ledger, frame.id))
  }
  return frame.sync ? corridor.operate(frame) : { answers: await corridor.handle(frame) }
}

for await (const line of createInterface({ input: process.stdin })) {
  const frames: readonly Frame[] = JSON.parse(line)
  isArmed = true
  const answering = frames.map(async (frame, index) => {
    const answer = await answerTo(frame)
    atPort()
    writeSync(1, `${JSON.stringify({ index, answer })}\n`)
    atAnswer()
  })
  await Promise.all(answering)
}
isArmed = false
writeSync(1, `${JSON.stringify({ points, faults: world.realm.faults.map(String) })}\n`)
await world.close()
