// What clients ask of a realm that may die any moment: one request of each kind that changes something, a retrieval,
// and a handshake. Sealed once; sent one by one or all in one post; sent again, as they are, after a restart.

import assert from 'node:assert/strict'
import type { MessagesFrame, SealedAnswer } from '../../../src/boundary/index.ts'
import type { StoreSettings } from '../../../src/store/index.ts'
import { Device, type Json, newRequestId, type Way } from '../../support/device.ts'
import { aRoom, HOME, keysOf, PEOPLE, World } from '../../support/world.ts'
import type { Life } from './run.ts'

/** What is in the store before anybody dies. */
export interface Scene {
  readonly alice: Device
  /** Another device of hers, without a session, whose messages go where the wire leads. */
  readonly phoneAt: (wire: Wire) => Device
  readonly signingKey: Json
  /** Bound key and its resource, on which alice and bob are authorised. */
  readonly boundKeyUri: string
  readonly resourceUri: string
  /** Unbound keys of alice: the first is to be bound, the others to be a new resource's. */
  readonly toBind: string
  readonly toShare: readonly [string, string]
}

export interface Wire {
  corridor: Way
}

export const NOWHERE: Way = { handle: () => Promise.reject(new Error('no realm')) }

export const prepareScene = async (store: StoreSettings): Promise<Scene> => {
  const world = await World.open({ store })
  const { published } = world.realm.staticKeys
  assert.ok(published)
  const senderAt = (wire: Wire) => ({
    corridor: () => wire.corridor,
    staticJwk: () => published.publicJwkJson,
    home: HOME,
  })
  const who = (clientId: string) => ({
    userId: PEOPLE.alice,
    bearer: world.token(PEOPLE.alice),
    clientId: `https://core.example/devices/${clientId}`,
  })
  const alice = new Device(senderAt(world.realm), who('laptop'))
  await alice.shake()
  const { key, resource } = await aRoom(alice, [PEOPLE.bob])
  const [toBind, ...toShare] = keysOf(await alice.ask('create', '/keys', { count: 3 }))
  const [first, second] = toShare
  assert.ok(toBind && first && second)
  const [signingKey] = world.realm.provider.jwks.keys
  assert.ok(signingKey)
  await world.close()
  return {
    alice,
    phoneAt: (wire) => new Device(senderAt(wire), who('phone')),
    signingKey,
    boundKeyUri: key.uri,
    resourceUri: resource.uri,
    toBind: toBind.uri,
    toShare: [first.uri, second.uri],
  }
}

export const STEPS = [
  'create-keys',
  'bind-key',
  'create-resource',
  'retrieve-key',
  'create-authorizations',
  'delete-authorizations',
  'handshake',
] as const
export type StepName = (typeof STEPS)[number]

export interface Letter {
  readonly step: StepName
  readonly requestId: string
  readonly sealed: string
  /** The answer in clear. */
  open(answer: SealedAnswer): Promise<Json>
}

const requestsOf = ({ alice, ...scene }: Scene) => ({
  'create-keys': alice.request({ method: 'create', uri: '/keys', count: 2 }),
  'bind-key': alice.request({
    method: 'update',
    uri: scene.toBind,
    resourceUri: scene.resourceUri,
  }),
  'create-resource': alice.request({
    method: 'create',
    uri: '/resources',
    keyUris: scene.toShare,
    userIds: [PEOPLE.bob],
  }),
  'retrieve-key': alice.request({ method: 'retrieve', uri: scene.boundKeyUri }),
  'create-authorizations': alice.request({
    method: 'create',
    uri: '/authorizations',
    resourceUri: scene.resourceUri,
    userIds: [PEOPLE.carol],
  }),
  'delete-authorizations': alice.request({
    method: 'delete',
    uri: `${scene.resourceUri}/authorizations?authId=${PEOPLE.bob}`,
  }),
})

/** A handshake that waits for its answer; the phone has its session once `open` has resolved. */
const handshakeOf = async (phone: Device, wire: Wire): Promise<Letter> => {
  const requestId = newRequestId()
  const { promise: posted, resolve: onPosted } = Promise.withResolvers<MessagesFrame>()
  const { promise: answered, resolve: onAnswered } =
    Promise.withResolvers<readonly SealedAnswer[]>()
  wire.corridor = {
    handle: (post) => {
      onPosted(post)
      return answered
    },
  }
  const shaken = phone.shake({ requestId })
  const { kmsMessages } = await posted
  wire.corridor = NOWHERE
  const open = (answer: SealedAnswer): Promise<Json> => {
    onAnswered([answer])
    return shaken
  }
  return { step: 'handshake', requestId, sealed: kmsMessages[0] ?? '', open }
}

/** In the order of STEPS. */
export const writeLetters = async (
  scene: Scene,
  phone: Device,
  wire: Wire,
): Promise<readonly Letter[]> => {
  const open = ({ kmsMessage }: SealedAnswer) => scene.alice.open(kmsMessage)
  const sealed = Object.entries(requestsOf(scene)).map(async ([step, request]) => ({
    step: step as StepName, // the keys of `requestsOf`
    requestId: String(request['requestId']),
    sealed: await scene.alice.seal(request),
    open,
  }))
  return [...(await Promise.all(sealed)), await handshakeOf(phone, wire)]
}

export const toPost = (letters: readonly Letter[]): MessagesFrame => ({
  type: 'messages',
  id: newRequestId(),
  sync: false,
  httpUser: PEOPLE.alice,
  trackingId: 'crash_1',
  kmsMessages: letters.map(({ sealed }) => sealed),
})

export type Manner = 'one by one' | 'all in one post'

export interface Correspondence {
  /** Letters that were sent, and the answers that came. */
  readonly sent: readonly Letter[]
  readonly answers: ReadonlyMap<Letter, SealedAnswer>
}

/** The posts in which letters go, and what came of them. */
export const postsOf = (letters: readonly Letter[], manner: Manner) => {
  const parcels = manner === 'one by one' ? letters.map((letter) => [letter]) : [letters]
  const posts = parcels.map((parcel) => ({ parcel, frame: toPost(parcel) }))
  return {
    parcels: posts.map(({ frame }) => [frame]),
    cameOf: ({ sent, answers }: Life): Correspondence => {
      const came = new Map<Letter, SealedAnswer>()
      for (const { parcel, frame } of posts) {
        for (const answer of answers.get(frame)?.answers ?? []) {
          const letter = parcel[answer.n]
          assert.ok(letter && answer.kmsMessage !== undefined, 'an answer to nothing')
          came.set(letter, answer)
        }
      }
      const went = posts.filter(({ frame }) => sent.includes(frame))
      return { sent: went.flatMap(({ parcel }) => parcel), answers: came }
    },
  }
}
