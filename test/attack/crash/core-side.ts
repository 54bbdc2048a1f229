// What the core asks of a realm that may die any moment: one operation of each kind, the same four again while the core
// withdraws them, and somebody who reads and is about to be removed.

import assert from 'node:assert/strict'
import type { CorePart, MessagesFrame, WithdrawFrame } from '../../../src/boundary/index.ts'
import type { OperationAnswer } from '../../../src/kms/index.ts'
import type { StoreSettings } from '../../../src/store/index.ts'
import { type Device, type Json, newOperationId, newRequestId } from '../../support/device.ts'
import { aRoom, keysOf, PEOPLE, World } from '../../support/world.ts'

/** What is in the store before anybody dies. */
export interface RoomScene {
  readonly alice: Device
  /** Is removed by one of the operations, and reads as long as he may. */
  readonly bob: Device
  readonly signingKey: Json
  /** Bound key and its resource, on which alice, bob and gina are authorised. */
  readonly boundKeyUri: string
  readonly resourceUri: string
  /** Unbound keys of alice. */
  readonly toBind: readonly [string, string]
  readonly toShare: readonly [string, string]
}

export const prepareRoomScene = async (store: StoreSettings): Promise<RoomScene> => {
  const world = await World.open({ store })
  const alice = await world.signedIn('alice')
  const bob = await world.signedIn('bob')
  const { key, resource } = await aRoom(alice, [PEOPLE.bob, PEOPLE.gina])
  const uris = keysOf(await alice.ask('create', '/keys', { count: 4 })).map(({ uri }) => uri)
  const [first, second, third, fourth] = uris
  assert.ok(first && second && third && fourth)
  const [signingKey] = world.realm.provider.jwks.keys
  assert.ok(signingKey)
  await world.close()
  const room = { boundKeyUri: key.uri, resourceUri: resource.uri }
  return { alice, bob, signingKey, ...room, toBind: [first, second], toShare: [third, fourth] }
}

/** One operation of the core. */
export interface Operation {
  readonly id: string
  readonly requestId: string
  readonly part: CorePart
  /** The core loses patience while it asks. */
  readonly isWithdrawn: boolean
  readonly ask: MessagesFrame
  readonly withdrawal: WithdrawFrame
}

interface Wish {
  readonly part: Omit<CorePart, 'user'>
  readonly request: Json
}

const creation = (keyUri: string): Wish => ({
  part: { operation: 'create-resource', keyUris: [keyUri], subjects: [PEOPLE.bob] },
  request: { method: 'create', uri: '/resources', keyUris: [keyUri], userIds: [PEOPLE.bob] },
})
const addition = (resourceUri: string, id: string): Wish => ({
  part: { operation: 'create-authorizations', resourceUri, subjects: [id] },
  request: { method: 'create', uri: '/authorizations', resourceUri, userIds: [id] },
})
const removal = (resourceUri: string, id: string): Wish => ({
  part: { operation: 'delete-authorizations', resourceUri, subjects: [id] },
  request: { method: 'delete', uri: `${resourceUri}/authorizations?authId=${id}` },
})
const binding = (resourceUri: string, keyUri: string): Wish => ({
  part: { operation: 'bind-key', resourceUri, keyUris: [keyUri] },
  request: { method: 'update', uri: keyUri, resourceUri },
})

/** Each kind twice: the second of each is withdrawn while it is asked. */
export const planOperations = (scene: RoomScene): Promise<readonly Operation[]> => {
  const { resourceUri, toBind, toShare } = scene
  const wishes = [
    ...toShare.map(creation),
    ...[PEOPLE.carol, PEOPLE.olivia].map((id) => addition(resourceUri, id)),
    ...[PEOPLE.bob, PEOPLE.gina].map((id) => removal(resourceUri, id)),
    ...toBind.map((keyUri) => binding(resourceUri, keyUri)),
  ]
  return Promise.all(wishes.map((wish, n) => toOperation(scene, wish, n % 2 === 1)))
}

const toOperation = async (
  { alice }: RoomScene,
  wish: Wish,
  isWithdrawn: boolean,
): Promise<Operation> => {
  const id = newOperationId()
  const request = alice.request(wish.request)
  const part = { ...wish.part, user: alice.who.userId }
  const kmsMessages = [await alice.seal(request)]
  const ask = { ...postOf(alice, kmsMessages), id, sync: true, part }
  const withdrawal = { type: 'withdraw', id } as const
  return { id, requestId: String(request['requestId']), part, isWithdrawn, ask, withdrawal }
}

const postOf = ({ who }: Device, kmsMessages: readonly string[]): MessagesFrame => ({
  type: 'messages',
  id: newRequestId(),
  sync: false,
  httpUser: who.userId,
  trackingId: 'crash_1',
  kmsMessages,
})

/** Somebody asks for a key, with no operation about it. */
export const reading = async (reader: Device, keyUri: string): Promise<MessagesFrame> => {
  const request = reader.request({ method: 'retrieve', uri: keyUri })
  return postOf(reader, [await reader.seal(request)])
}

/** How an operation ended, as the core is told. */
export const endOf = ({ answers, declined }: OperationAnswer): string => {
  const clear = answers[0]?.clear
  const said = declined ?? (clear && `${clear.status} ${clear.resourceUri ?? ''}`)
  assert.ok(said !== undefined, 'an operation without an outcome')
  return said
}
export const isApplied = (end: string): boolean => end.startsWith('20')
