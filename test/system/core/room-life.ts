// Requests to the conversation service in the forms that real clients send, and a core with a realm that acts.

import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type ActingRealm, type Asked, createActingRealm } from './acting-realm.ts'
import { type FakeRealm, helloOf } from './fake-realm.ts'
import {
  ACME,
  ALICE,
  BOB,
  CAROL,
  type CoreWorld,
  GINA,
  GLOBEX,
  type HttpAnswer,
  openCoreWorld,
  type WorldWishes,
} from './world.ts'

export const PATH = '/conversation/api/v1'
export const JWE = 'aaaa..bbbb.cccc.dddd'
export const K1 = 'kms://kms.acme.example/keys/1'
export const K2 = 'kms://kms.acme.example/keys/2'
export const K3 = 'kms://kms.acme.example/keys/3'

/** The status of whatever was done. */
export const ACCEPTED = 201

const IDS: Readonly<Record<string, string>> = { alice: ALICE, bob: BOB, carol: CAROL, gina: GINA }
export const idOf = (name: string): string => IDS[name] ?? name

export interface Room {
  readonly id: string
  readonly url: string
  readonly kmsResourceObjectUrl: string
  readonly defaultActivityEncryptionKeyUrl?: string
  readonly kmsMessage?: string
  readonly tags: readonly string[]
  readonly isExternal: boolean
  readonly displayName?: string
  readonly participants: { readonly items: readonly Person[] }
  readonly activities: { readonly items: readonly Act[] }
}

export interface Person {
  readonly id: string
  readonly type: string
  readonly orgId?: string
  readonly roomProperties: { readonly isModerator: boolean }
}

export interface Act {
  readonly id: string
  readonly verb: string
  readonly published: string
  readonly actor: { readonly id: string }
  readonly object: { readonly id?: string; readonly [member: string]: unknown }
  readonly kmsMessage?: string
}

export interface RoomLife {
  readonly world: CoreWorld
  readonly realm: ActingRealm
  readonly hello: ReturnType<typeof helloOf>
  /** The realm's line now. */
  line: FakeRealm
  /** The realm comes back with a new line. */
  dial(): Promise<void>
  /** Another realm. */
  connectOther(): Promise<FakeRealm>
  /** The next question to the realm that no test has looked at. */
  nextQuestion(): Promise<Asked>
  /** Resolves when no operation of this room is open. */
  settled(room: Pick<Room, 'id'>): Promise<void>
  restart(): Promise<void>
  ask(name: string, method: string, path: string, body?: object): Promise<HttpAnswer>
  /** Makes a room as the SDK does; the names are its members, the maker first. */
  make(names: readonly string[], more?: object): Promise<HttpAnswer>
  room(...names: readonly string[]): Promise<Room>
  act(name: string, room: Pick<Room, 'id'>, activity: object): Promise<HttpAnswer>
  show(name: string, room: Pick<Room, 'id'>): Promise<Room>
  acts(name: string, room: Pick<Room, 'id'>, query?: string): Promise<readonly Act[]>
  close(): Promise<void>
}

export const person = (name: string) => ({ objectType: 'person', id: idOf(name) })

const activity = (verb: string, actor: string, more: object = {}) => ({
  verb,
  objectType: 'activity',
  actor: { ...person(actor), entryUUID: idOf(actor) },
  ...more,
})

/** What the SDK posts to make a room. */
export const newRoom = (names: readonly string[], more: object = {}) => {
  const [maker = ''] = names
  const adds = names.map((name) => activity('add', maker, { object: person(name) }))
  return {
    objectType: 'conversation',
    activities: { items: [activity('create', maker), ...adds] },
    participants: { items: [] },
    displayName: JWE,
    encryptionKeyUrl: K1,
    defaultActivityEncryptionKeyUrl: K1,
    kmsMessage: 'a..make.c.d',
    ...more,
  }
}

export const add = (name: string, kmsMessage = 'a..add.c.d') => ({
  verb: 'add',
  object: person(name),
  kmsMessage,
})
export const leave = (name: string, kmsMessage = 'a..leave.c.d') => ({
  verb: 'leave',
  object: person(name),
  kmsMessage,
})
export const updateKey = (key: string, kmsMessage = 'a..key.c.d') => ({
  verb: 'updateKey',
  object: { objectType: 'conversation', defaultActivityEncryptionKeyUrl: key },
  kmsMessage,
})
export const post = (key: string, more: object = {}) => ({
  verb: 'post',
  object: { objectType: 'comment', displayName: JWE, content: JWE },
  encryptionKeyUrl: key,
  ...more,
})

/** Read from the core's own database, from outside. */
export const openOperationsIn = (directory: string, roomId: string): number => {
  const database = new Sqlite(join(directory, 'core.sqlite'), { readonly: true })
  const rows = database
    .prepare(`select id from operations where room_id = ? and state in ('asked', 'withdrawing')`)
    .all(roomId)
  database.close()
  return rows.length
}

export const openRoomLife = async (wishes: WorldWishes = {}): Promise<RoomLife> => {
  const world = await openCoreWorld(wishes)
  const realm = createActingRealm(ACME.domain, ACME.organizationId)
  const dial = () => realm.dial({ port: world.core.linkPort, authority: world.authority })
  const life: RoomLife = {
    world,
    realm,
    hello: helloOf(ACME.domain, [ACME.organizationId]),
    line: await dial(),
    async dial() {
      life.line = await dial()
    },
    connectOther: () => world.connect(GLOBEX),
    nextQuestion: () => realm.questions.take(),
    async settled({ id }) {
      while (openOperationsIn(world.directory, id) > 0) await new Promise(setImmediate)
    },
    restart: () => world.restart(),
    ask: (token, method, path, body) =>
      world.ask(method, `${PATH}${path}`, body === undefined ? { token } : { token, body }),
    make: (names, more) => life.ask(names[0] ?? '', 'POST', '/conversations', newRoom(names, more)),
    async room(...names) {
      const { status, text } = await life.make(names)
      if (status !== 201) throw new Error(text)
      return JSON.parse(text)
    },
    act: (name, { id }, doing) => {
      const target = { id, objectType: 'conversation', url: `${world.core.baseUrl}${PATH}/${id}` }
      const body = { objectType: 'activity', actor: person(name), target, ...doing }
      return life.ask(name, 'POST', `/conversations/${id}/activities?personRefresh=true`, body)
    },
    async show(name, { id }) {
      const { text } = await life.ask(name, 'GET', `/conversations/${id}?activitiesLimit=0`)
      return JSON.parse(text)
    },
    async acts(name, { id }, query = '') {
      const { text } = await life.ask(name, 'GET', `/conversations/${id}/activities?${query}`)
      return JSON.parse(text).items
    },
    close: () => world.close(),
  }
  return life
}
