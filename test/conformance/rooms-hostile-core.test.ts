// A core that swaps rooms, people and operations, replays, repeats, reorders, drops and withdraws at will: each
// sealed message takes effect at most once, only as its sender meant it, and each operation ends one way.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { CorePart } from '../../src/boundary/index.ts'
import { type OperationAnswer, operationAnswer, withdrawOperation } from '../../src/kms/index.ts'
import { type Implementation, implementations } from '../contract/store/implementations.ts'
import { type Device, newOperationId } from '../support/device.ts'
import { aRoom, authorizationsOf, PEOPLE, World } from '../support/world.ts'

const SUBJECTS = [PEOPLE.bob, PEOPLE.carol] as const
const OPERATIONS = ['create-authorizations', 'delete-authorizations'] as const
const LIES = ['none', 'none', 'none', 'room', 'subject', 'operation', 'user', 'silence'] as const

interface Meaning {
  readonly operation: (typeof OPERATIONS)[number]
  readonly subject: string
}

const meanings: readonly Meaning[] = [0, 1, 2].flatMap(() =>
  OPERATIONS.flatMap((operation) => SUBJECTS.map((subject) => ({ operation, subject }))),
)

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('deliver' as const),
        message: fc.nat(meanings.length - 1),
        id: fc.nat(9),
        lie: fc.constantFrom(...LIES),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), id: fc.nat(9) }) },
  ),
  { minLength: 5, maxLength: 30 },
)

const sealed = (
  alice: Device,
  resourceUri: string,
  { operation, subject }: Meaning,
): Promise<string> =>
  alice.seal(
    alice.request(
      operation === 'create-authorizations'
        ? { method: 'create', uri: '/authorizations', resourceUri, userIds: [subject] }
        : { method: 'delete', uri: `${resourceUri}/authorizations?authId=${subject}` },
    ),
  )

const partOf = (
  lie: (typeof LIES)[number],
  { operation, subject }: Meaning,
  [resourceUri, other]: readonly [string, string],
): CorePart | undefined => {
  const user = PEOPLE.alice
  const part = { user, operation, resourceUri, subjects: [subject] }
  switch (lie) {
    case 'room':
      return { ...part, resourceUri: other }
    case 'subject':
      return { ...part, subjects: [PEOPLE.olivia] }
    case 'operation':
      return { ...part, operation: OPERATIONS.find((one) => one !== operation) ?? operation }
    case 'user':
      return { ...part, user: PEOPLE.gina }
    case 'silence':
      return undefined
    default:
      return part
  }
}

/** A status, or less than that. */
type End = number | 'withdrawn' | 'refused'

/** What an honest observer would have both sides say. */
class Model {
  readonly #ends = new Map<string, End>()
  readonly #seen = new Set<number>()
  readonly members = new Set<string>([PEOPLE.alice])

  withdraw(id: string): End {
    return this.#end(id, 'withdrawn')
  }

  deliver(id: string, message: number, isTrue: boolean): End {
    const ended = this.#ends.get(id)
    if (ended !== undefined) return ended
    const isFirst = !this.#seen.has(message)
    this.#seen.add(message)
    if (!isFirst) return this.#end(id, 'refused')
    if (!isTrue) return this.#end(id, 403)
    const { operation, subject } = meanings[message] ?? { operation: OPERATIONS[0], subject: '' }
    if (operation === 'create-authorizations') this.members.add(subject)
    else this.members.delete(subject)
    return this.#end(id, operation === 'create-authorizations' ? 201 : 200)
  }

  #end(id: string, how: End): End {
    const ended = this.#ends.get(id) ?? how
    this.#ends.set(id, ended)
    return ended
  }
}

const authIds = async (alice: Device, resourceUri: string) =>
  authorizationsOf(await alice.ask('retrieve', `${resourceUri}/authorizations`)).map(
    ({ authId }) => authId,
  )

const check = ({ answers, declined }: OperationAnswer, expected: End): void => {
  const status = answers[0]?.clear?.status ?? 0
  if (expected === 'withdrawn') assert.equal(declined, 'rooms.withdrawn')
  else if (expected === 'refused') assert.ok(status >= 400)
  else assert.equal(status, expected)
}

const suite = (on: Implementation): void => {
  let world: World
  let alice: Device
  before(async () => {
    world = await World.open({ store: await on.fresh() })
    alice = await world.signedIn('alice')
  })
  after(() => world.close())

  test('one at a time, both sides end the same way', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (schedule) => {
        const rooms = [
          (await aRoom(alice)).resource.uri,
          (await aRoom(alice)).resource.uri,
        ] as const
        const messages = await Promise.all(
          meanings.map((meaning) => sealed(alice, rooms[0], meaning)),
        )
        const run = newOperationId()
        const model = new Model()
        for (const step of schedule) {
          const id = `${run}-${step.id}`
          if (step.kind === 'withdraw') {
            check(operationAnswer(await withdrawOperation(world.ledger, id)), model.withdraw(id))
            continue
          }
          const part = partOf(step.lie, meanings[step.message] as Meaning, rooms)
          const answer = await alice.operate(messages[step.message] ?? '', part, { id })
          check(answer, model.deliver(id, step.message, step.lie === 'none'))
        }
        assert.deepEqual(new Set(await authIds(alice, rooms[0])), model.members)
        assert.deepEqual(await authIds(alice, rooms[1]), [PEOPLE.alice])
      }),
      { numRuns: 30 },
    )
  })

  test('all at once, what it was told is what was done, and each message at most once', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (schedule) => {
        const { uri } = (await aRoom(alice)).resource
        const other = (await aRoom(alice)).resource.uri
        const messages = await Promise.all(meanings.map((meaning) => sealed(alice, uri, meaning)))
        const run = newOperationId()
        const from = (await world.entries()).length
        const told = await Promise.all(
          schedule.map(async (step) => {
            const id = `${run}-${step.id}`
            if (step.kind === 'withdraw') {
              return [id, operationAnswer(await withdrawOperation(world.ledger, id))] as const
            }
            const part = partOf(step.lie, meanings[step.message] as Meaning, [uri, other])
            return [id, await alice.operate(messages[step.message] ?? '', part, { id })] as const
          }),
        )
        const ends = new Map<string, unknown>()
        for (const [id, { answers, declined }] of told) {
          const end = declined ?? answers[0]?.clear?.status
          assert.deepEqual(ends.get(id) ?? end, end, 'an operation ended twice')
          ends.set(id, end)
        }
        const done = (await world.entries()).slice(from).filter(({ action, outcome, details }) => {
          const { operation } = (details ?? {}) as { operation?: string }
          return (
            outcome === 'done' && operation !== undefined && action.startsWith('authorization.')
          )
        })
        assert.equal(done.length, new Set(done.map((entry) => entry['requestId'])).size)
        const applied = new Set(
          done.map((entry) => (entry['details'] as { operation: string }).operation),
        )
        for (const [id, end] of ends) {
          assert.equal(typeof end === 'number' && end < 400, applied.has(id))
        }
      }),
      { numRuns: 20 },
    )
  })
}

for (const implementation of await implementations()) {
  describe(`whatever a core does, on ${implementation.name}`, implementation.options, () => {
    after(implementation.stop)
    suite(implementation)
  })
}
