// Fills a realm's database with keys that nobody will ask for, in rooms of twenty keys and three people, through the
// store itself and in large transactions. They are wrapped like real ones and open nothing.
import { randomBytes, randomUUID } from 'node:crypto'
import {
  type OrganizationId,
  parseClientId,
  parseOrganizationId,
  parseUserId,
} from '../../src/id.ts'
import type { Authorization, BoundKey, Resource, Transaction } from '../../src/kms/index.ts'
import { urisOf } from '../../src/protocol/index.ts'
import { openStore, type StoreSettings } from '../../src/store/index.ts'
import { instant } from '../../src/time.ts'

const KEYS_PER_ROOM = 20
const PEOPLE_PER_ROOM = 3
const ROOMS_PER_TRANSACTION = 250
/** IV, 32 bytes, tag. */
const WRAPPED_BYTES = 60

export interface FillWanted {
  readonly store: StoreSettings
  readonly domain: string
  readonly organizationId: string
  /** How many keys to add; whole rooms, so a few more. */
  readonly keys: number
}

export async function fill(wanted: FillWanted): Promise<void> {
  const store = await openStore(wanted.store)
  const rooms = Math.ceil(wanted.keys / KEYS_PER_ROOM)
  const make = await maker(wanted, await store.read(contentKeyId))
  try {
    for (let first = 0; first < rooms; first += ROOMS_PER_TRANSACTION) {
      const count = Math.min(ROOMS_PER_TRANSACTION, rooms - first)
      const some = Array.from({ length: count }, (_, index) => make((first + index) / rooms, rooms))
      await store.transact((tx) => insert(tx, some))
    }
  } finally {
    await store.close()
  }
}

interface Room {
  readonly resource: Resource
  readonly keys: readonly BoundKey[]
  readonly authorizations: readonly Authorization[]
}

async function contentKeyId(tx: Transaction): Promise<string> {
  const all = await tx.keyring.keyEncryptionKeys()
  const content = all.find(({ purpose }) => purpose === 'content')
  if (content === undefined) throw new Error('The realm has no key to wrap content keys with.')
  return content.id
}

async function insert(tx: Transaction, rooms: readonly Room[]): Promise<void> {
  for (const { resource } of rooms) await tx.resources.insert(resource)
  await tx.authorizations.insert(rooms.flatMap((room) => room.authorizations))
  const keys = rooms.flatMap((room) => room.keys)
  await tx.keys.insert(
    keys.map(({ boundAt, resourceUri: _, ...key }) => ({
      ...key,
      state: 'unbound',
      bindBy: boundAt,
    })),
  )
  await tx.keys.bind(keys)
}

async function maker({ domain, organizationId }: FillWanted, keyEncryptionKeyId: string) {
  const uris = urisOf(domain)
  const organization = organizationFrom(organizationId)
  const now = instant(Date.now())
  return (place: number, rooms: number): Room => {
    const people = Array.from({ length: PEOPLE_PER_ROOM }, randomUser)
    const [createdBy = randomUser()] = people
    const common = { organizationId: organization, createdBy, createdAt: now }
    const resource = { uri: uris.resource(uuidAt(place)), ...common }
    const keys = Array.from({ length: KEYS_PER_ROOM }, (_, index): BoundKey => {
      const uuid = uuidAt(place + index / KEYS_PER_ROOM / rooms)
      const wrapped = { keyEncryptionKeyId, bytes: randomBytes(WRAPPED_BYTES), version: 1 }
      const bound = { state: 'bound', boundAt: now, resourceUri: resource.uri } as const
      return { ...common, ...bound, uri: uris.key(uuid), clientId: SOME_DEVICE, wrapped }
    })
    const authorizations = people.map((authId, index): Authorization => {
      const uri = uris.authorization(uuidAt(place + index / PEOPLE_PER_ROOM / rooms))
      const { createdAt } = common
      const rest = { kind: 'user', role: 'participant', createdBy, createdAt } as const
      return { uri, resourceUri: resource.uri, authId, ...rest }
    })
    return { resource, keys, authorizations }
  }
}

/**
 * Random, but for its first 48 bits: they rise from all zeros to all ones with `place` from 0 to 1, so that rows are
 * appended to the database's trees in order (ten times faster) and lie as evenly in them as random ones.
 */
function uuidAt(place: number): string {
  const prefix = Math.floor(place * 2 ** 48)
  const hex = prefix.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}${randomUUID().slice(13)}`
}

function randomUser() {
  const id = parseUserId(randomUUID())
  if (id === undefined) throw new Error('A UUID is no user id.')
  return id
}

function organizationFrom(id: string): OrganizationId {
  const parsed = parseOrganizationId(id)
  if (parsed === undefined) throw new Error(`${id} is no organisation id.`)
  return parsed
}

const SOME_DEVICE = (() => {
  const device = parseClientId(`https://127.0.0.1/wdm/api/v1/devices/${randomUUID()}`)
  if (device === undefined) throw new Error('A URL is no client id.')
  return device
})()
