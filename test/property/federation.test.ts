// The law of federation, against a model of a few lines: after any history of joins, leaves, partitions and waiting, no key was
// released to a domain without a user who was authorised then; nobody reads longer than what is known of them is fresh; and once
// the line is whole and time has passed, everybody reads exactly what the model allows.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { ACME_DOMAIN, GLOBEX_DOMAIN, TwoRealms } from '../support/two-realms.ts'
import { aRoom, type Entry, PEOPLE } from '../support/world.ts'
import { GLOBEX } from '../unit/identity/world.ts'

const READERS = ['gina', 'olivia'] as const
type Reader = (typeof READERS)[number]
const ROOMS = 2
const FRESH_SECONDS = 5

type Step =
  | {
      readonly do: 'add' | 'remove' | 'read' | 'list'
      readonly whom: Reader
      readonly room: number
    }
  | { readonly do: 'cut' | 'heal' | 'work' }
  | { readonly do: 'wait'; readonly seconds: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('add', 'remove', 'read', 'list'),
      whom: fc.constantFrom(...READERS),
      room: fc.nat(ROOMS - 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut', 'heal', 'work') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait'), seconds: fc.integer({ min: 1, max: 8 }) }),
  },
)

describe('two realms and a few rooms', () => {
  let realms: TwoRealms
  let alice: Device
  let readers: Readonly<Record<Reader, Device>>

  before(async () => {
    realms = await TwoRealms.open()
    alice = await realms.acme.signedIn('alice')
    readers = {
      gina: await realms.globex.signedIn('gina'),
      olivia: await realms.globex.signedIn('olivia', { organization_id: GLOBEX }),
    }
  })
  after(() => realms.close())

  /** One history, with a model of who is authorised, and until when those were who are no more. */
  class History {
    readonly rooms: readonly { readonly key: string; readonly resource: string }[]
    readonly #until = new Map<string, number>()
    #read = 0

    constructor(rooms: History['rooms'], read: number) {
      this.rooms = rooms
      this.#read = read
    }

    isIn(whom: Reader, room: number): boolean {
      return this.#until.get(`${whom} ${room}`) === Number.POSITIVE_INFINITY
    }

    wasInLately(whom: Reader, room: number): boolean {
      const until = this.#until.get(`${whom} ${room}`) ?? Number.NEGATIVE_INFINITY
      return until > realms.globex.now() - FRESH_SECONDS * 1000
    }

    async change(action: 'add' | 'remove', whom: Reader, room: number): Promise<void> {
      const fields = { resourceUri: this.rooms[room]?.resource, userIds: [PEOPLE[whom]] }
      const method = action === 'add' ? 'create' : 'delete'
      const { status } = await alice.ask(method, '/authorizations', fields)
      assert.equal(status, action === 'add' ? 201 : 200)
      const name = `${whom} ${room}`
      if (action === 'add') this.#until.set(name, Number.POSITIVE_INFINITY)
      else if (this.isIn(whom, room)) this.#until.set(name, realms.acme.now())
    }

    async read(whom: Reader, room: number, isList: boolean): Promise<number> {
      const { key, resource } = this.rooms[room] ?? { key: '', resource: '' }
      const answer = await readers[whom].ask('retrieve', isList ? `${resource}/keys` : key)
      const status = Number(answer['status'])
      if (status === 200) {
        assert.ok(this.wasInLately(whom, room), `${whom} read ${room} long after leaving it`)
      }
      return status
    }

    /** Everything that acme gave to another domain since it was asked last. */
    async checkReleases(): Promise<void> {
      const entries = (await realms.acme.entries()).slice(this.#read)
      this.#read += entries.length
      for (const entry of entries.filter(isRelease)) await this.#checkRelease(entry)
    }

    async #checkRelease(entry: Entry): Promise<void> {
      for (const whom of READERS) {
        if (entry['onBehalfOf'] !== (await realms.acme.pseudonymOf(whom))) continue
        const room = this.rooms.findIndex(({ resource }) => resource === entry['resource'])
        assert.ok(this.isIn(whom, room), `released for ${whom}, who was not in ${room}`)
        return
      }
      assert.fail('released for nobody')
    }
  }

  const isRelease = ({ action, outcome, actor }: Entry): boolean =>
    action === 'key.released' && outcome === 'done' && (actor as { kind: string }).kind === 'peer'

  const begin = async (): Promise<History> => {
    realms.heal()
    // Sessions end after an hour, and histories are long.
    for (const device of [alice, ...Object.values(readers)]) await device.shake()
    const rooms = []
    for (let room = 0; room < ROOMS; room += 1) {
      const { key, resource } = await aRoom(alice)
      rooms.push({ key: key.uri, resource: resource.uri })
    }
    return new History(rooms, (await realms.acme.entries()).length)
  }

  const take = async (history: History, one: Step): Promise<void> => {
    if (one.do === 'cut') realms.cut()
    else if (one.do === 'heal') realms.heal()
    else if (one.do === 'work') {
      await realms.work(ACME_DOMAIN)
      realms.advance(seconds(0.001))
    } else if (one.do === 'wait') realms.advance(seconds(one.seconds))
    else if (one.do === 'add' || one.do === 'remove') {
      // Two acts in one millisecond have no order between two clocks.
      realms.advance(seconds(0.001))
      await history.change(one.do, one.whom, one.room)
      realms.advance(seconds(0.001))
    } else if (one.do === 'read' || one.do === 'list') {
      await history.read(one.whom, one.room, one.do === 'list')
    }
    await history.checkReleases()
  }

  it('release no key without an authorised user, and agree in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const history = await begin()
        for (const one of steps) await take(history, one)
        realms.heal()
        realms.advance(seconds(600))
        await realms.work(ACME_DOMAIN)
        await realms.work(GLOBEX_DOMAIN)
        // What is asked in the millisecond of a withdrawal counts as asked before it.
        realms.advance(seconds(0.001))
        for (const whom of READERS) {
          for (let room = 0; room < ROOMS; room += 1) {
            const status = await history.read(whom, room, false)
            assert.equal(status, history.isIn(whom, room) ? 200 : 403)
          }
        }
        await history.checkReleases()
        assert.equal(await realms.acme.store.read((tx) => tx.debts.countOwed()), 0)
      }),
      { numRuns: 25, endOnFailure: true },
    )
  })
})
