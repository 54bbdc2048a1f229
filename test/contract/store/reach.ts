// AuthorizationStore.reach: directly, through other resources, never through anything that is over; and
// the same as a search that anybody can follow, on random graphs.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AuthId, ResourceUri } from '../../../src/id.ts'
import type { Authorization, Resource } from '../../../src/kms/index.ts'
import type { OpenStore } from '../../../src/store/index.ts'
import { type Implementation, openFresh } from './implementations.ts'
import {
  ALICE,
  anAuthorization,
  anAuthorizationUri,
  aResource,
  at,
  aUserId,
  HOME,
  NOW,
} from './make.ts'

const allow = (on: Resource, authId: AuthId, change: Partial<Authorization> = {}): Authorization =>
  anAuthorization({ resourceUri: on.uri, authId, ...change })

const nest = (outer: Resource, inner: Resource, change: Partial<Authorization> = {}) =>
  allow(outer, inner.uri, { kind: 'resource', ...change })

const keep = (
  store: OpenStore,
  resources: readonly Resource[],
  authorizations: readonly Authorization[],
) =>
  store.transact(async (tx) => {
    for (const resource of resources) await tx.resources.insert(resource)
    await tx.authorizations.insert(authorizations)
  })

const reaches = (store: OpenStore, ...pairs: readonly (readonly [Resource, AuthId])[]) =>
  store.read((tx) =>
    tx.authorizations.reach(
      pairs.map(([resource, authId]) => ({ resourceUri: resource.uri, authId })),
      NOW,
    ),
  )

/** Each allows everyone of the next. */
const chain = (resources: readonly Resource[]): readonly Authorization[] =>
  resources.slice(1).flatMap((inner, index) => {
    const outer = resources[index]
    return outer === undefined ? [] : [nest(outer, inner)]
  })

const some = (count: number, change: Partial<Resource> = {}): Resource[] =>
  Array.from({ length: count }, () => aResource(change))

/** For lists known to be long enough. */
const nth = <Item>(items: readonly Item[], index: number): Item => {
  const item = items.at(index)
  if (item === undefined) throw new Error(`no item ${index}`)
  return item
}

export const reachContract = (on: Implementation): void => {
  describe('reach', () => {
    test('answers each pair in order, direct ones and others', async () => {
      const store = await openFresh(on)
      const [room, team, stranger] = [aResource(), aResource(), aResource()]
      const bob = aUserId()
      const link = anAuthorizationUri()
      const anonymous = allow(room, link, { uri: link, kind: 'anonymous' })
      await keep(
        store,
        [room, team, stranger],
        [allow(room, ALICE), nest(room, team), allow(team, bob), anonymous],
      )
      assert.deepEqual(
        await reaches(
          store,
          [room, bob],
          [room, ALICE],
          [team, ALICE],
          [team, bob],
          [stranger, ALICE],
          [room, team.uri],
          [room, link],
          [room, aUserId()],
          [room, ALICE],
          [aResource(), ALICE],
        ),
        [true, true, false, true, false, true, true, false, true, false],
      )
      assert.deepEqual(await reaches(store), [])
    })

    test('goes through one to many others', async () => {
      const store = await openFresh(on)
      const resources = some(12)
      await keep(store, resources, [...chain(resources), allow(nth(resources, -1), ALICE)])
      const answers = await reaches(store, ...resources.map((one) => [one, ALICE] as const))
      assert.ok(answers.every(Boolean))
    })

    test('ends in a cycle, with or without a way out', async () => {
      const store = await openFresh(on)
      const ring = some(5)
      const self = aResource()
      const first = nth(ring, 0)
      await keep(
        store,
        [...ring, self],
        [...chain([...ring, first]), nest(self, self), allow(nth(ring, 3), ALICE)],
      )
      const bob = aUserId()
      assert.deepEqual(await reaches(store, [first, ALICE], [first, bob], [self, ALICE]), [
        true,
        false,
        false,
      ])
    })

    test('never counts a resource or an authorization that is over', async () => {
      const store = await openFresh(on)
      const over = { expiresAt: NOW }
      const live = { expiresAt: at(1001) }
      const [outer, lasting] = [aResource(live), aResource(live)]
      const past = aResource(over)
      const [bob, carol] = [aUserId(), aUserId()]
      await keep(
        store,
        [outer, lasting, past],
        [
          allow(past, ALICE),
          allow(outer, bob, over),
          nest(outer, past),
          nest(outer, lasting, over),
          allow(lasting, carol, live),
        ],
      )
      assert.deepEqual(
        await reaches(
          store,
          [past, ALICE],
          [outer, ALICE],
          [outer, bob],
          [outer, carol],
          [lasting, carol],
        ),
        [false, false, false, false, true],
      )
    })

    test('finds the end of a chain of five hundred, and a wide room of ten thousand', async () => {
      const store = await openFresh(on)
      const resources = some(500)
      const wide = aResource()
      const crowd = Array.from({ length: 10_000 }, () => allow(wide, aUserId()))
      await keep(
        store,
        [...resources, wide],
        [
          ...chain(resources),
          allow(nth(resources, -1), ALICE),
          nest(wide, nth(resources, 490)),
          ...crowd,
        ],
      )
      const startedAt = performance.now()
      assert.deepEqual(
        await reaches(
          store,
          [nth(resources, 0), ALICE],
          [nth(resources, 0), aUserId()],
          [wide, ALICE],
        ),
        [true, false, true],
      )
      assert.ok(performance.now() - startedAt < 2000, 'in bounded time')
    })

    test('never counts a resource that somebody brought who is there by name no more', async () => {
      const store = await openFresh(on)
      const [room, outer, mine, alsoMine] = [aResource(), aResource(), aResource(), aResource()]
      const bob = aUserId()
      const brought = { createdBy: bob, isBrought: true } as const
      const byName = allow(room, bob)
      await keep(
        store,
        [room, outer, mine, alsoMine],
        [
          nest(outer, room),
          ...[byName, nest(room, mine, brought), nest(room, alsoMine, brought)],
          ...[nest(mine, room), nest(mine, alsoMine), allow(mine, bob), allow(mine, ALICE)],
        ],
      )
      const asked = [[room, ALICE] as const, [outer, ALICE] as const, [room, bob] as const]
      assert.deepEqual(await reaches(store, ...asked), [true, true, true])
      await store.transact((tx) => tx.authorizations.remove([byName.uri]))
      assert.deepEqual(await reaches(store, ...asked), [false, false, false])
      await keep(store, [], [allow(room, bob, { expiresAt: NOW })])
      assert.deepEqual(await reaches(store, ...asked), [false, false, false])
    })

    test('gives up, with no, in a graph beyond its bound, and only for who asked there', async () => {
      const store = await openFresh(on)
      const [hub, room, team] = [aResource(), aResource(), aResource()]
      // Ten thousand ways, of which the walk takes no more; the one that leads to Alice comes last.
      const spokes = some(10_050)
      const bob = aUserId()
      await store.transact(async (tx) => {
        for (const resource of [hub, room, team, ...spokes]) await tx.resources.insert(resource)
        await tx.authorizations.insert([
          ...spokes.map((spoke) => nest(hub, spoke)),
          nest(room, team),
          allow(team, bob),
        ])
      })
      assert.deepEqual(await reaches(store, [hub, ALICE], [room, bob], [room, ALICE]), [
        false,
        true,
        false,
      ])
    })

    random(on)
    foreignWays(on)
  })
}

interface Graph {
  readonly resources: readonly Resource[]
  readonly authorizations: readonly Authorization[]
  readonly people: readonly AuthId[]
}

const USERS = Array.from({ length: 4 }, () => aUserId())

const endings = fc.constantFrom(undefined, at(999), NOW, at(1001))

const ending = (expiresAt: ReturnType<typeof at> | undefined) =>
  expiresAt === undefined ? {} : { expiresAt }

const graphs: fc.Arbitrary<Graph> = fc
  .record({
    ends: fc.array(endings, { minLength: 1, maxLength: 8 }),
    edges: fc.uniqueArray(fc.record({ from: fc.nat(7), to: fc.nat(11), end: endings }), {
      maxLength: 30,
      selector: ({ from, to }) => `${from} ${to}`,
    }),
  })
  .map(({ ends, edges }) => {
    const resources = ends.map((end) => aResource(ending(end)))
    const targets: readonly AuthId[] = [...USERS, ...resources.map((one) => one.uri)]
    const authorizations = edges.flatMap(({ from, to, end }) => {
      const [on, authId] = [resources[from], targets[to]]
      if (on === undefined || authId === undefined) return []
      return [allow(on, authId, { kind: to < USERS.length ? 'user' : 'resource', ...ending(end) })]
    })
    return { resources, authorizations, people: USERS }
  })

const isLive = ({ expiresAt }: { readonly expiresAt?: number }): boolean =>
  expiresAt === undefined || expiresAt > NOW

/** The definition, depth first, one authorization at a time. */
const searched = (graph: Graph, start: ResourceUri, authId: AuthId): boolean => {
  const seen = new Set<AuthId>()
  const visit = (uri: AuthId): boolean => {
    const resource = graph.resources.find((one) => one.uri === uri)
    if (resource === undefined || !isLive(resource) || seen.has(uri)) return false
    seen.add(uri)
    const here = graph.authorizations.filter((one) => one.resourceUri === uri && isLive(one))
    return here.some((one) => one.authId === authId) || here.some((one) => visit(one.authId))
  }
  return visit(start)
}

/** A resource of another realm: only its home knows who is authorised there. */
const foreignWays = (on: Implementation): void => {
  const team = 'kms://kms.globex.example/resources/99999999-9999-4999-8999-999999999999'
  const waysInto = (store: OpenStore, ...resources: readonly Resource[]) =>
    store.read((tx) =>
      tx.authorizations.foreignWays(
        resources.map(({ uri }) => uri),
        HOME,
        NOW,
      ),
    )
  const letIn = (on: Resource, change: Partial<Authorization> = {}) =>
    allow(on, team as AuthId, { kind: 'resource', ...change })

  test('the ends of all ways are named that lead out of this home, for each resource', async () => {
    const store = await openFresh(on)
    const [room, inner, board] = [aResource(), aResource(), aResource()]
    await keep(store, [room, inner, board], [nest(room, inner), letIn(inner), nest(inner, board)])
    assert.deepEqual(await waysInto(store, board, room, inner), [[], [team], [team]])
    assert.deepEqual(await reaches(store, [room, team as AuthId]), [true])
  })

  test('no way leads through what is over, or what its maker has left', async () => {
    const store = await openFresh(on)
    const [lapsed, gone, brought] = [aResource(), aResource({ expiresAt: at(-1) }), aResource()]
    const maker = aUserId()
    const link = letIn(brought, { isBrought: true, createdBy: maker })
    await keep(
      store,
      [lapsed, gone, brought],
      [letIn(lapsed, { expiresAt: at(-1) }), letIn(gone), link],
    )
    assert.deepEqual(await waysInto(store, lapsed, gone, brought), [[], [], []])
    assert.deepEqual(await reaches(store, [brought, team as AuthId]), [false])
    await store.transact((tx) => tx.authorizations.insert([allow(brought, maker)]))
    assert.deepEqual(await waysInto(store, brought), [[team]])
    assert.deepEqual(await reaches(store, [brought, team as AuthId]), [true])
  })
}

const random = (on: Implementation): void => {
  test('agrees with a plain search on random graphs', async () => {
    const store = await openFresh(on)
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        await keep(store, graph.resources, graph.authorizations)
        const pairs = graph.resources.flatMap((resource) =>
          [...graph.people, ...graph.resources.map((one) => one.uri)].map(
            (authId) => [resource, authId] as const,
          ),
        )
        assert.deepEqual(
          await reaches(store, ...pairs),
          pairs.map(([resource, authId]) => searched(graph, resource.uri, authId)),
        )
      }),
      { numRuns: 60 },
    )
  })
}
