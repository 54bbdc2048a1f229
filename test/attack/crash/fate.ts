// What must be true of core and realm after a realm died half way, whenever that was: once the core has asked again, or
// withdrawn, both have done an operation or neither has; an end that was told once stays the end; whatever was done has
// its entry, whatever was withdrawn never happens, and whoever was removed reads nothing after that.

import assert from 'node:assert/strict'
import type { PartOperation } from '../../../src/boundary/index.ts'
import type { AuthId, KeyUri, ResourceUri, UserId } from '../../../src/id.ts'
import {
  type OperationAnswer,
  operationAnswer,
  type Transaction,
  withdrawOperation,
} from '../../../src/kms/index.ts'
import type { StoreSettings } from '../../../src/store/index.ts'
import type { Instant } from '../../../src/time.ts'
import type { Json } from '../../support/device.ts'
import { authorizationsOf, PEOPLE, World } from '../../support/world.ts'
import { endOf, isApplied, type Operation, type RoomScene, reading } from './core-side.ts'
import { doneFor, inspect, type Log, readLog } from './log.ts'
import type { Life } from './run.ts'

/** What a core does about an operation of which it does not know the end; a withdrawal is never taken back. */
export type Habit = 'asks again' | 'withdraws'

export interface Aftermath {
  readonly store: StoreSettings
  readonly scene: RoomScene
  readonly operations: readonly Operation[]
  /** One after the other, on the same store. */
  readonly lives: readonly Life[]
  readonly habit: Habit
}

const ACTIONS: Readonly<Record<PartOperation, string>> = {
  'create-resource': 'resource.created',
  'create-authorizations': 'authorization.created',
  'delete-authorizations': 'authorization.removed',
  'bind-key': 'key.bound',
}

interface Left {
  readonly tx: Transaction
  readonly log: Log
  readonly scene: RoomScene
}

const authorizedOn = async ({ tx }: Left, uri: ResourceUri): Promise<ReadonlySet<AuthId>> => {
  const list = await tx.authorizations.ofResource(uri, Date.now() as Instant)
  return new Set(list.map(({ authId }) => authId))
}

/** Whether the store shows what the operation was to do; half of it is a failure. */
const isDone = async (left: Left, { part }: Operation): Promise<boolean> => {
  const { operation, keyUris = [], subjects = [] } = part
  // The scene's own, hence of their form.
  const subject = subjects[0] as AuthId
  const keyUri = keyUris[0] as KeyUri
  const resourceUri = part.resourceUri as ResourceUri
  if (operation === 'create-authorizations')
    return (await authorizedOn(left, resourceUri)).has(subject)
  if (operation === 'delete-authorizations')
    return !(await authorizedOn(left, resourceUri)).has(subject)
  const key = (await left.tx.keys.find([keyUri])).get(keyUri)
  assert.ok(key, 'a key is lost')
  if (key.state !== 'bound') return false
  if (operation === 'bind-key') assert.equal(key.resourceUri, resourceUri)
  else {
    const members = await authorizedOn(left, key.resourceUri)
    assert.deepEqual(members, new Set([PEOPLE.alice, PEOPLE.bob]))
  }
  return true
}

const wasWithdrawn = (log: Log, { id }: Operation): boolean =>
  log.some(({ action, details }) => {
    const of = (details as Json | undefined)?.['operation']
    return action === 'operation.withdrawn' && of === id
  })

/** The end that the store holds, in the core's words; done, recorded and remembered are the same thing. */
const endIn = async (left: Left, operation: Operation): Promise<string | undefined> => {
  const { id, requestId, part } = operation
  const entry = doneFor(left.log, { requestId, action: ACTIONS[part.operation] })
  const stored = (await left.tx.operations.find([id])).get(id)
  const end = stored && endOf(operationAnswer(stored))
  const done = await isDone(left, operation)
  const seen = { done, recorded: entry !== undefined, remembered: end && isApplied(end) }
  const all = { done, recorded: done, remembered: end && done }
  assert.deepEqual(seen, all, `${part.operation} is half done`)
  assert.ok(!done || end, `${part.operation} was done and is not remembered`)
  assert.equal(wasWithdrawn(left.log, operation), stored?.state === 'withdrawn')
  return end
}

/** Nothing is released to somebody after the entry of their removal. */
const removedReadNothing = async ({ tx, log }: Left, operations: readonly Operation[]) => {
  for (const { part, requestId } of operations) {
    if (part.operation !== 'delete-authorizations') continue
    const removal = doneFor(log, { requestId, action: 'authorization.removed' })
    const [removed] = part.subjects ?? []
    const userId = removed as UserId
    const pseudonym = (await tx.people.find([userId])).get(userId)?.pseudonym
    const after = removal === undefined ? [] : log.slice(log.indexOf(removal))
    const released = after.filter(
      ({ action, outcome, actor }) =>
        action === 'key.released' && outcome === 'done' && (actor as Json)['id'] === pseudonym,
    )
    assert.deepEqual(released, [], 'a key was released to somebody removed')
  }
}

type Ends = ReadonlyMap<Operation, string | undefined>

const look = async (tx: Transaction, { scene, operations }: Aftermath): Promise<Ends> => {
  const left = { tx, scene, log: await readLog(tx) }
  const ends = new Map<Operation, string | undefined>()
  for (const operation of operations) ends.set(operation, await endIn(left, operation))
  await removedReadNothing(left, operations)
  return ends
}

/** Everything that the realm ever told the core of one operation. */
type Told = Map<Operation, OperationAnswer[]>

const toldIn = (lives: readonly Life[], operations: readonly Operation[]): Told =>
  new Map(
    operations.map((operation) => {
      const { id } = operation
      const answers = lives.flatMap(({ answers }) => [...answers])
      return [operation, answers.flatMap(([frame, said]) => (frame.id === id ? [said] : []))]
    }),
  )

/** The core comes back too, or never went: it asks or withdraws, and late copies of both arrive. */
const speak = async (world: World, { operations, lives, habit }: Aftermath, told: Told) => {
  const sent = new Set(lives.flatMap((life) => life.sent))
  const ask = ({ ask }: Operation) => world.realm.corridor.operate(ask)
  const withdraw = async ({ id }: Operation) =>
    operationAnswer(await withdrawOperation(world.ledger, id))
  const asWritten = (one: Operation) =>
    habit === 'withdraws' || sent.has(one.withdrawal) ? withdraw(one) : ask(one)
  for (const say of [asWritten, ask, withdraw, ask]) {
    const answers = await Promise.all(operations.map(say))
    for (const [n, answer] of answers.entries()) told.get(operations[n] as Operation)?.push(answer)
  }
}

/** One end for one id, and one answer for the client. */
const isOneEnd = async ({ scene }: Aftermath, told: Told): Promise<void> => {
  for (const [{ part }, answers] of told) {
    const ends = new Set(answers.map(endOf))
    assert.equal(ends.size, 1, `${part.operation} ended as ${[...ends].join(' and ')}`)
    const sealed = answers.flatMap((answer) => answer.answers[0]?.kmsMessage ?? [])
    const [first, ...others] = await Promise.all(sealed.map((one) => scene.alice.open(one)))
    for (const other of others) assert.deepEqual(other, first, `${part.operation}, again`)
  }
}

const isTrue = (answer: OperationAnswer, end: string | undefined): void => {
  const told = endOf(answer)
  assert.equal(told, end, `the core was told ${told}, and it ended as ${end}`)
}

/** Who is in the room as the core has it now, against whom the realm has authorised there. */
const isOneRoster = async (world: World, { scene }: Aftermath, ends: Ends): Promise<void> => {
  const roster = new Set<string>([PEOPLE.alice, PEOPLE.bob, PEOPLE.gina])
  for (const [{ part }, end] of ends) {
    if (end === undefined || !isApplied(end)) continue
    const { operation, subjects = [] } = part
    if (operation === 'create-authorizations') for (const id of subjects) roster.add(id)
    if (operation === 'delete-authorizations') for (const id of subjects) roster.delete(id)
  }
  const ask = async (who: RoomScene['alice'], sealed: string): Promise<Json> => {
    const [answer] = await world.realm.corridor.handle({
      ...(await reading(who, scene.boundKeyUri)),
      kmsMessages: [sealed],
    })
    assert.ok(answer)
    return who.open(answer.kmsMessage)
  }
  const retrieve = async (who: RoomScene['alice'], uri: string) =>
    ask(who, await who.seal(who.request({ method: 'retrieve', uri })))
  const list = await retrieve(scene.alice, `${scene.resourceUri}/authorizations`)
  assert.deepEqual(new Set(authorizationsOf(list).map(({ authId }) => authId)), roster)
  const read = await retrieve(scene.bob, scene.boundKeyUri)
  assert.equal(read['status'], roster.has(PEOPLE.bob) ? 200 : 403)
}

/** Answers how each operation ended. */
export const sharesItsFate = async (aftermath: Aftermath): Promise<readonly string[]> => {
  const told = toldIn(aftermath.lives, aftermath.operations)
  await inspect(aftermath.store, async (tx) => {
    for (const [operation, end] of await look(tx, aftermath)) {
      for (const answer of told.get(operation) ?? []) isTrue(answer, end)
    }
  })
  const world = await World.open({ store: aftermath.store })
  try {
    await speak(world, aftermath, told)
    await isOneEnd(aftermath, told)
    const ends = await world.store.read((tx) => look(tx, aftermath))
    for (const [operation, answers] of told) {
      for (const answer of answers) isTrue(answer, ends.get(operation))
    }
    await isOneRoster(world, aftermath, ends)
    assert.deepEqual(world.realm.faults, [])
    return [...ends.values()].map(String)
  } finally {
    await world.close()
  }
}
