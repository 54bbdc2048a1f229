// What must be true of a store after a realm died on it, whenever that was: every answer that left has its entry,
// nothing is half done, the log is whole, and a repeat gets the stored answer.

import assert from 'node:assert/strict'
import type { KeyUri, ResourceUri, SessionUri, UserId } from '../../../src/id.ts'
import type { Transaction } from '../../../src/kms/index.ts'
import type { StoreSettings } from '../../../src/store/index.ts'
import type { Instant } from '../../../src/time.ts'
import type { Device, Json } from '../../support/device.ts'
import { keyOf, keysOf, PEOPLE, resourceOf, World } from '../../support/world.ts'
import {
  type Correspondence,
  type Letter,
  type Scene,
  type StepName,
  toPost,
  type Wire,
} from './corridor.ts'
import { doneFor, type Entry, inspect, type Log, readLog } from './log.ts'

export const ACTIONS: Readonly<Record<StepName, string>> = {
  'create-keys': 'key.created',
  'bind-key': 'key.bound',
  'create-resource': 'resource.created',
  'retrieve-key': 'key.released',
  'create-authorizations': 'authorization.created',
  'delete-authorizations': 'authorization.removed',
  handshake: 'session.created',
}

const doneBy = (log: Log, { step, requestId }: Letter): Entry | undefined =>
  doneFor(log, { requestId, action: ACTIONS[step] })

/** URIs of keys and sessions that an answer handed out. */
const releasedBy = (step: StepName, answer: Json): readonly string[] => {
  if (step === 'create-keys') return keysOf(answer).map(({ uri }) => uri)
  if (step === 'create-resource') return resourceOf(answer).keyUris
  return 'key' in answer ? [keyOf(answer).uri] : []
}

/** Every answer that left is good, and its entry is durable and names what it released. */
const recordedBeforeReleased = (log: Log, given: ReadonlyMap<Letter, Json>): void => {
  for (const [letter, answer] of given) {
    assert.ok(Number(answer['status']) < 300, `${letter.step}: ${JSON.stringify(answer)}`)
    const entry = doneBy(log, letter)
    assert.ok(entry, `${letter.step} was answered and has no entry`)
    assert.deepEqual([...(entry.keys ?? [])].sort(), [...releasedBy(letter.step, answer)].sort())
  }
}

interface Left {
  readonly tx: Transaction
  readonly now: Instant
  readonly scene: Scene
  /** The entry of a step, if it was done. */
  readonly entryOf: (step: StepName) => Entry | undefined
}

// URIs and ids of the scene and of entries: made by the realm, hence of their form.
const asKeys = (uris: readonly string[]) => uris as readonly KeyUri[]
const asResource = (uri: string) => uri as ResourceUri

const authorizedOn = async ({ tx, now }: Left, uri: string): Promise<ReadonlySet<string>> => {
  const list = await tx.authorizations.ofResource(asResource(uri), now)
  return new Set(list.map(({ authId }) => authId))
}

/** A step either happened, with its entry, or did not, without. */
const allOrNothing = async (left: Left): Promise<void> => {
  const { tx, now, scene, entryOf } = left
  const created = entryOf('create-keys')?.keys ?? []
  const uris = [scene.boundKeyUri, scene.toBind, ...scene.toShare, ...created]
  const keys = await tx.keys.find(asKeys(uris))
  assert.equal(keys.size, uris.length, 'a key is lost')
  const placeOf = (uri: string) => {
    const key = keys.get(uri as KeyUri)
    return key?.state === 'bound' ? key.resourceUri : undefined
  }
  assert.equal(placeOf(scene.boundKeyUri), scene.resourceUri)
  assert.equal(placeOf(scene.toBind), entryOf('bind-key') && scene.resourceUri)
  const shared = entryOf('create-resource')?.resource
  for (const uri of scene.toShare) assert.equal(placeOf(uri), shared)
  const unbound = uris.filter((uri) => placeOf(uri) === undefined)
  assert.equal(await tx.keys.countUnbound(PEOPLE.alice as UserId, now), unbound.length)

  const known = shared === undefined ? [scene.resourceUri] : [scene.resourceUri, shared]
  const resources = await tx.resources.newest(10)
  assert.deepEqual(resources.map(({ resource }) => resource.uri).sort(), known.sort())
  const members: string[] = [PEOPLE.alice]
  if (entryOf('delete-authorizations') === undefined) members.push(PEOPLE.bob)
  if (entryOf('create-authorizations') !== undefined) members.push(PEOPLE.carol)
  assert.deepEqual(await authorizedOn(left, scene.resourceUri), new Set(members))
  if (shared !== undefined) {
    assert.deepEqual(await authorizedOn(left, shared), new Set([PEOPLE.alice, PEOPLE.bob]))
  }
  for (const uri of entryOf('handshake')?.keys ?? []) {
    assert.ok(await tx.sessions.find(uri as SessionUri), 'a session is lost')
  }
}

interface Aftermath {
  readonly store: StoreSettings
  readonly scene: Scene
  readonly life: Correspondence
  readonly phone: Device
  readonly wire: Wire
}

/** Asks again what was sent, as it was sent, of a realm that started on what the dead one left. */
const askAgain = async (
  { scene, life, phone, wire }: Aftermath,
  world: World,
  given: ReadonlyMap<Letter, Json>,
): Promise<void> => {
  const { corridor } = world.realm
  for (const letter of life.sent) {
    const [answer] = await corridor.handle(toPost([letter]))
    assert.ok(answer, `${letter.step}, again, is met with silence`)
    if (letter.step === 'handshake') continue
    const again = await letter.open(answer)
    assert.ok(Number(again['status']) < 300, `${letter.step}, again: ${JSON.stringify(again)}`)
    if (given.has(letter)) assert.deepEqual(again, given.get(letter), `${letter.step}, again`)
  }
  for (const [{ step }, answer] of given) {
    if (step === 'create-keys') for (const key of keysOf(answer)) await isStillThere(key, world)
    if (step !== 'handshake') continue
    wire.corridor = corridor
    assert.equal((await phone.ask('update', '/ping'))['status'], 200, 'a session is lost')
  }
  async function isStillThere(key: Json, { realm }: World): Promise<void> {
    const asked = scene.alice.request({ method: 'retrieve', uri: key['uri'] })
    const sealed = { sealed: await scene.alice.seal(asked) } as Letter
    const [answer] = await realm.corridor.handle(toPost([sealed]))
    assert.ok(answer)
    assert.deepEqual(keyOf(await scene.alice.open(answer.kmsMessage)).jwk, key['jwk'])
  }
}

export const keepsItsPromises = async (aftermath: Aftermath): Promise<void> => {
  const { store, scene, life } = aftermath
  const given = new Map<Letter, Json>()
  for (const [letter, answer] of life.answers) given.set(letter, await letter.open(answer))
  const look = async (tx: Transaction): Promise<void> => {
    const log = await readLog(tx)
    recordedBeforeReleased(log, given)
    const now = Date.now() as Instant
    const entryOf = (step: StepName) => {
      const letter = life.sent.find((one) => one.step === step)
      return letter && doneBy(log, letter)
    }
    await allOrNothing({ tx, now, scene, entryOf })
  }
  await inspect(store, look)
  const world = await World.open({ store })
  try {
    await askAgain(aftermath, world, given)
    assert.deepEqual(world.realm.faults, [])
    await world.store.read(async (tx) => {
      const log = await readLog(tx)
      for (const letter of life.sent) {
        const isOnce = letter.step === 'handshake' || doneBy(log, letter) !== undefined
        assert.ok(isOnce, `${letter.step} has no entry`)
      }
    })
  } finally {
    await world.close()
  }
}
