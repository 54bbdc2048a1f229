// Laws of the kms room, against a model of a few lines: after any requests whatever, everybody reads exactly the
// keys that the model allows; a bound key never changes its resource; every key that left has its entry.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { bindTo } from '../../src/kms/key.ts'
import type { Device, Json } from '../support/device.ts'
import { keyOf, keysOf, PEOPLE, resourceOf, World } from '../support/world.ts'
import { aBoundKey, anUnboundKey, NOW, OTHER_RESOURCE, RESOURCE_URI } from '../unit/kms/world.ts'

const NAMES = ['alice', 'bob', 'carol'] as const
type Name = (typeof NAMES)[number]
const ROOMS = 4

type Step =
  | {
      readonly do: 'add' | 'remove'
      readonly by: Name
      readonly room: number
      readonly whom: Name | number
    }
  | { readonly do: 'bind'; readonly by: Name; readonly room: number; readonly key: number }

const who = fc.constantFrom(...NAMES)
const room = fc.nat(ROOMS - 1)
const someone = fc.oneof(who, room)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('add' as const), by: who, room, whom: someone }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('remove' as const), by: who, room, whom: someone }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('bind' as const), by: who, room, key: fc.nat(5) }),
  },
)

/**
 * Who is authorised where, and which key is bound where: draft §4.4.2 in a few lines. A room that was let into another
 * counts while whoever let it in is there by name, and nobody else can let one in.
 */
class Model {
  /** By room: who and what is authorised there, and by whom it was let in. */
  readonly rooms: Map<Name | number, Name>[] = [...NAMES, 'alice' as const].map(
    (owner) => new Map<Name | number, Name>([[owner, owner]]),
  )
  readonly keys: { readonly creator: Name; room: number | undefined }[] = []

  private counts(room: number, whom: Name | number): boolean {
    const maker = this.rooms[room]?.get(whom)
    if (maker === undefined) return false
    return typeof whom !== 'number' || this.rooms[room]?.has(maker) === true
  }

  reaches(name: Name, roomNumber: number, seen = new Set<number>()): boolean {
    if (seen.has(roomNumber)) return false
    seen.add(roomNumber)
    return [...(this.rooms[roomNumber]?.keys() ?? [])].some((one) =>
      typeof one === 'number'
        ? this.counts(roomNumber, one) && this.reaches(name, one, seen)
        : one === name,
    )
  }

  private add(by: Name, room: number, whom: Name | number): number {
    const authorized = this.rooms[room]
    if (this.counts(room, whom)) return 201
    if (typeof whom === 'number' && authorized?.has(by) !== true) return 403
    authorized?.set(whom, by)
    return 201
  }

  mayRead(name: Name, key: number): boolean {
    const { creator, room: at } = this.keys[key] ?? {}
    return at === undefined ? creator === name : this.reaches(name, at)
  }

  /** The status of a step, having done it. */
  take(taken: Step): number {
    if (!this.reaches(taken.by, taken.room)) return 403
    if (taken.do === 'bind') {
      const key = this.keys[taken.key]
      if (key === undefined || key.creator !== taken.by) return 403
      if (key.room !== undefined && key.room !== taken.room) return 409
      key.room = taken.room
      return 200
    }
    if (taken.do === 'add') return this.add(taken.by, taken.room, taken.whom)
    this.rooms[taken.room]?.delete(taken.whom)
    return 200
  }
}

describe('rooms, people and keys', () => {
  let world: World
  let devices: Record<Name, Device>
  before(async () => {
    world = await World.open({ settings: { unboundPerUser: 1e6 } })
    const [alice, bob, carol] = await Promise.all(NAMES.map((name) => world.signedIn(name)))
    assert.ok(alice && bob && carol)
    devices = { alice, bob, carol }
  })
  after(() => world.close())

  const fieldsOf = (taken: Step, rooms: readonly string[], keys: readonly string[]): Json => {
    const resourceUri = rooms[taken.room]
    if (taken.do === 'bind') return { method: 'update', uri: keys[taken.key], resourceUri }
    const authId = typeof taken.whom === 'number' ? rooms[taken.whom] : PEOPLE[taken.whom]
    if (taken.do === 'add')
      return { method: 'create', uri: '/authorizations', resourceUri, userIds: [authId] }
    const query = `authId=${encodeURIComponent(authId ?? '')}`
    return { method: 'delete', uri: `${resourceUri}/authorizations?${query}` }
  }

  const askAll = async (device: Device, requests: readonly Json[]) => {
    const sealed = await Promise.all(requests.map((fields) => device.seal(device.request(fields))))
    const answers = await device.post(sealed)
    return Promise.all(answers.map((one) => device.open(one.kmsMessage)))
  }

  const setUp = async (model: Model) => {
    const rooms: string[] = []
    for (const owner of [...NAMES, 'alice'] as const) {
      rooms.push(resourceOf(await devices[owner].ask('create', '/resources')).uri)
    }
    const keys: string[] = []
    for (const creator of NAMES) {
      const made = keysOf(await devices[creator].ask('create', '/keys', { count: 2 }))
      for (const key of made) {
        keys.push(key.uri)
        model.keys.push({ creator, room: undefined })
      }
    }
    return { rooms, keys }
  }

  const check = async (model: Model, rooms: readonly string[], keys: readonly string[]) => {
    for (const name of NAMES) {
      const answers = await askAll(
        devices[name],
        keys.map((uri) => ({ method: 'retrieve', uri })),
      )
      answers.forEach((answer, index) => {
        const isAllowed = model.mayRead(name, index)
        assert.equal(answer['status'], isAllowed ? 200 : 403, `${name} reads key ${index}`)
        const at = model.keys[index]?.room
        if (isAllowed)
          assert.equal(keyOf(answer)['resourceUri'], at === undefined ? undefined : rooms[at])
      })
    }
  }

  it('are as the model says after any requests whatever', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const model = new Model()
        const { rooms, keys } = await setUp(model)
        for (const taken of steps) {
          const [answer] = await askAll(devices[taken.by], [fieldsOf(taken, rooms, keys)])
          assert.equal(answer?.['status'], model.take(taken), JSON.stringify(taken))
        }
        await check(model, rooms, keys)
      }),
      { numRuns: 12, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
    )
  })

  it('leave an entry for every key that was ever answered', async () => {
    const entries = await world.entries()
    const asked = entries.filter(
      (entry) => entry['method'] === 'retrieve' && entry['type'] === 'KEY',
    )
    assert.ok(asked.length > 0)
    for (const entry of asked) {
      assert.equal('keys' in entry, entry.outcome === 'done')
      assert.equal('code' in entry, entry.outcome === 'refused')
    }
  })
})

describe('binding', () => {
  it('is once and for all: no order of bindings moves a key', () => {
    const targets = fc.array(fc.constantFrom(RESOURCE_URI, OTHER_RESOURCE), { minLength: 1 })
    fc.assert(
      fc.property(targets, fc.boolean(), ([first, ...rest], isBound) => {
        assert.ok(first)
        const start = isBound ? aBoundKey() : bindTo(anUnboundKey(), first, NOW)
        const end = rest.reduce((key, target) => bindTo(key, target, NOW), start)
        assert.equal(end, start)
      }),
    )
  })
})
