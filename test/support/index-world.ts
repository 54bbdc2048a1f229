// A realm's indexer in this process: the real store, keys and log of a world, and a core that is only a feed.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SearchFrame } from '../../src/boundary/index.ts'
import {
  aesKeyFrom,
  decodeB64u,
  directHeader,
  openDirect,
  sealDirect,
  systemRandom,
} from '../../src/crypto/index.ts'
import type { OrganizationId, ResourceUri, UserId } from '../../src/id.ts'
import {
  type BatchResult,
  createIndexer,
  type IndexedStore,
  type Indexer,
  RoomMemory,
  Search,
  type Tokenizing,
  tokenizeHere,
} from '../../src/indexer/index.ts'
import {
  addMachine,
  grantFeature,
  type MachineAccount,
  revokeFeature,
  type Scope,
  type WordRules,
} from '../../src/kms/index.ts'
import { urisOf } from '../../src/protocol/index.ts'
import { seconds } from '../../src/time.ts'
import { WORDS_VERSION } from '../../src/words/index.ts'
import { ACME, organization } from '../unit/identity/world.ts'
import type { Device } from './device.ts'
import { FeedCore, textPart } from './feed-core.ts'
import { aRoom, DOMAIN, keysOf, resourceOf, type World } from './world.ts'

const uris = urisOf(DOMAIN)
const tokenize = async <Result>(work: Tokenizing<Result>): Promise<Result> => tokenizeHere(work)
const limits = { bytes: 64 * 1024 * 1024, keptFor: seconds(60) }

export interface Key {
  readonly uri: string
  readonly jwk: { readonly k: string }
}

const aesOf = ({ jwk }: Key) => aesKeyFrom(decodeB64u(jwk.k) ?? new Uint8Array(0))

/** A text as a client seals it under a room's key. */
export const sealed = (text: string, key: Key): string =>
  sealDirect(text, aesOf(key), directHeader(), systemRandom)

export interface Told {
  readonly query: string
  readonly page: number
  readonly languages: readonly string[]
  readonly rooms: number
  readonly more: boolean
  readonly truncated?: true
}

export const openAnswer = (jwe: string, key: Key): Told =>
  JSON.parse(new TextDecoder().decode(openDirect(jwe, aesOf(key))))

export interface IndexWorldOptions {
  readonly rules?: Partial<WordRules>
  readonly batchEvents?: number
  readonly store?: IndexedStore
  readonly core?: FeedCore
}

export class IndexWorld {
  readonly world: World
  readonly core: FeedCore
  readonly results: BatchResult[] = []
  readonly memory: RoomMemory
  readonly search: Search
  readonly #indexer: Indexer
  #numbers = 0

  constructor(world: World, options: IndexWorldOptions = {}) {
    const store = options.store ?? world.store
    const { keyring } = world.realm
    const now = () => world.now()
    const pause = (): Promise<void> => nextTurn()
    this.world = world
    this.core = options.core ?? new FeedCore()
    this.memory = new RoomMemory({ store, keyring, now, limits, pause })
    const { memory } = this
    const shared = { ledger: world.ledger, memory, keyring, random: systemRandom, uris }
    this.search = new Search({ ...shared, tokenize, pause })
    const rules = { wordsVersion: WORDS_VERSION, language: 'english', ...options.rules }
    this.#indexer = createIndexer({
      ...{ ...shared, tokenize, pause, store, now, rules, line: this.core },
      batchEvents: options.batchEvents ?? 100,
      onBatch: (result) => this.results.push(result),
    })
  }

  round(): Promise<boolean> {
    return this.#indexer.round()
  }

  /** Until there is nothing more to do at this moment. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < 1000; rounds += 1) if (!(await this.round())) return
    throw new Error('the indexer finds no end')
  }

  /** Policy is looked at again. */
  async later(): Promise<void> {
    this.world.advance(seconds(6))
    await this.settle()
  }

  post(resourceUri: string, key: Key, text: string, messageId = this.#id()): string {
    this.core.posted({
      ...{ resourceUri, messageId, userId: systemRandom.uuid() },
      parts: [textPart(key.uri, sealed(text, key))],
    })
    return messageId
  }

  edit(resourceUri: string, key: Key, messageId: string, version: number, text: string): void {
    this.core.posted({
      ...{ resourceUri, messageId, version, userId: systemRandom.uuid() },
      parts: [textPart(key.uri, sealed(text, key))],
    })
  }

  #id(): string {
    this.#numbers += 1
    return `message-${String(this.#numbers).padStart(6, '0')}`
  }

  /** A search as the core passes it on. */
  frame(userId: string, key: Key, query: string, more: Partial<SearchFrame> = {}): SearchFrame {
    const id = systemRandom.uuid()
    return {
      ...{ type: 'search', id, httpUser: userId, keyUri: key.uri, page: 0 },
      query: sealed(query, key),
      ...more,
    }
  }

  /** What somebody finds: the messages that the core would name, before any client looks at them. */
  async finds(userId: string, key: Key, query: string, more: Partial<SearchFrame> = {}) {
    const answer = await this.search.answer(this.frame(userId, key, query, more))
    if (answer.type === 'search-declined') return answer.code
    return this.core.matches(answer.hashes)
  }
}

let accounts = 0

/** An account that may be granted to index. */
export const anIndexer = async (world: World): Promise<MachineAccount> => {
  accounts += 1
  const name = `indexer-${accounts}`
  const userId = systemRandom.uuid() as UserId
  const organizationId: OrganizationId = organization(ACME)
  await addMachine(world.ledger, systemRandom, { name, userId, organizationId })
  const account = await world.store.read((tx) => tx.machines.byName(name))
  if (account === undefined) throw new Error('no account')
  return account
}

export const letIndex = (world: World, account: MachineAccount, scope: Scope) =>
  grantFeature(world.ledger, { random: systemRandom, uris }, account, { feature: 'index', scope })

export const stopIndexing = (world: World, account: MachineAccount, scope: Scope) =>
  revokeFeature(world.ledger, account, { feature: 'index', scope })

/** A key of the device's own, bound to a resource of its own: what a client seals its queries under. */
export const aSearchKey = async (device: Device, others: readonly string[] = []): Promise<Key> => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  if (key === undefined) throw new Error('no key')
  const userIds = [device.who.userId, ...others]
  resourceOf(await device.ask('create', '/resources', { keyUris: [key.uri], userIds }))
  return key
}

export const roomOf = async (device: Device, others: readonly string[] = []) => {
  const { key, resource } = await aRoom(device, others)
  return { key, uri: resource.uri as ResourceUri }
}
