// May the indexer read these messages? Judged like any request for keys, in the name of the machine account that was
// granted `index` in the room, and recorded before a key is opened: one entry a room, with the keys it names.

import type { Act } from '../../audit/index.ts'
import type { Random } from '../../crypto/index.ts'
import type { KeyUri, ResourceUri, UserId } from '../../id.ts'
import type { RefusalCode } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import type { Done } from '../corridor/ledger.ts'
import type { BoundKey, Key } from '../key.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { agentsBy } from '../machine.ts'
import type { Transaction } from '../ports.ts'
import { isExpired, type Resource } from '../resource.ts'
import { isCurrent, type SearchKey, type WordRules } from '../search-key.ts'

/** Keys under which messages of one room are said to be sealed. */
export interface IndexWish {
  readonly resourceUri: ResourceUri
  readonly keyUris: ReadonlySet<KeyUri>
}

/** A room that the indexer may read; one that it may not is not told of. */
export interface AdmittedRoom {
  readonly agent: UserId
  /** The newest first; the first one takes what comes. */
  readonly searchKeys: readonly [SearchKey, ...SearchKey[]]
  readonly keys: ReadonlyMap<KeyUri, BoundKey>
  readonly refused: ReadonlyMap<KeyUri, RefusalCode>
}

export interface IndexingMeans {
  readonly keyring: Keyring
  readonly random: Random
  readonly rules: WordRules
}

const SYSTEM = { kind: 'system' } as const
const SEARCH_KEY_BYTES = 32

/** A key of another room is as good as none: the core says which room a message is of, the realm knows better. */
const indexKeyRefusal = (
  key: Key | undefined,
  resourceUri: ResourceUri,
): RefusalCode | undefined => {
  if (key === undefined) return 'kms.unknown-key'
  return key.state === 'bound' && key.resourceUri === resourceUri ? undefined : 'kms.not-authorized'
}

const sortKeys = (
  { resourceUri, keyUris }: IndexWish,
  known: ReadonlyMap<KeyUri, Key>,
): Pick<AdmittedRoom, 'keys' | 'refused'> => {
  const keys = new Map<KeyUri, BoundKey>()
  const refused = new Map<KeyUri, RefusalCode>()
  for (const uri of keyUris) {
    const key = known.get(uri)
    const refusal = indexKeyRefusal(key, resourceUri)
    if (refusal !== undefined) refused.set(uri, refusal)
    else if (key?.state === 'bound') keys.set(uri, key)
  }
  return { keys, refused }
}

/** A new search key for a room, and the entry that says so. */
export const mintSearchKey = async (
  tx: Transaction,
  { keyring, random, rules }: IndexingMeans,
  { uri: resourceUri, organizationId }: Resource,
  now: Instant,
): Promise<{ readonly searchKey: SearchKey; readonly act: Act }> => {
  const uri = `${resourceUri}/search-keys/${random.uuid()}`
  const bytes = random.bytes(SEARCH_KEY_BYTES)
  const wrapped = keyring.wrap(organizationId, 'search', uri, bytes)
  bytes.fill(0)
  const id = await tx.searchKeys.nextId()
  const searchKey = { id, uri, resourceUri, organizationId, ...rules, createdAt: now, wrapped }
  await tx.searchKeys.insert(searchKey)
  await tx.keyring.countWraps(wrapped.keyEncryptionKeyId, 1)
  const act: Act = {
    action: 'search-key.created',
    outcome: 'done',
    actor: SYSTEM,
    type: 'SEARCH_KEY',
    keys: [uri],
    resource: resourceUri,
    organizationId,
    details: { ...rules },
  }
  return { searchKey, act }
}

const actsOf = (
  resourceUri: ResourceUri,
  { agent, keys, refused }: AdmittedRoom,
  pseudonyms: ReadonlyMap<UserId, { readonly pseudonym: string }>,
): readonly Act[] => {
  const id = pseudonyms.get(agent)?.pseudonym
  const actor: Act['actor'] = id === undefined ? { kind: 'service' } : { kind: 'service', id }
  const who: Pick<Act, 'actor' | 'type' | 'resource'> = {
    actor,
    type: 'KEY',
    resource: resourceUri,
  }
  const byCode = Map.groupBy(refused.keys(), (uri) => refused.get(uri))
  return [
    ...(keys.size === 0
      ? []
      : [{ ...who, action: 'index.keys-used', outcome: 'done', keys: [...keys.keys()] } as const]),
    ...[...byCode].map(
      ([code, uris]): Act => ({
        ...who,
        action: 'index.keys-refused',
        outcome: 'refused',
        keys: uris,
        ...(code === undefined ? {} : { code }),
      }),
    ),
  ]
}

/** Which of the rooms the indexer may read, each with a search key that is fit for what comes. */
export const admitToIndex = async (
  tx: Transaction,
  means: IndexingMeans,
  wishes: readonly IndexWish[],
  now: Instant,
): Promise<Done<ReadonlyMap<ResourceUri, AdmittedRoom>>> => {
  const resources = await tx.resources.find(wishes.map((wish) => wish.resourceUri))
  const agentOf = agentsBy(await tx.machines.policyOf('index'))
  const granted = wishes.flatMap((wish) => {
    const resource = resources.get(wish.resourceUri)
    if (resource === undefined || isExpired(resource, now)) return []
    const { organizationId } = resource
    const agent = agentOf({ resourceUri: wish.resourceUri, organizationId })
    return agent === undefined ? [] : [{ wish, resource, agent }]
  })
  const known = await tx.keys.find([...new Set(granted.flatMap(({ wish }) => [...wish.keyUris]))])
  const searchKeys = await tx.searchKeys.ofRooms(granted.map(({ wish }) => wish.resourceUri))
  const people = await tx.people.find([...new Set(granted.map(({ agent }) => agent))])
  const admitted = new Map<ResourceUri, AdmittedRoom>()
  const acts: Act[] = []
  for (const { wish, resource, agent } of granted) {
    const before = searchKeys.get(wish.resourceUri) ?? []
    let [newest] = before
    const older = newest !== undefined && isCurrent(newest, means.rules) ? before.slice(1) : before
    if (newest === undefined || older === before) {
      const minted = await mintSearchKey(tx, means, resource, now)
      newest = minted.searchKey
      acts.push(minted.act)
    }
    const room: AdmittedRoom = { agent, searchKeys: [newest, ...older], ...sortKeys(wish, known) }
    admitted.set(wish.resourceUri, room)
    acts.push(...actsOf(wish.resourceUri, room, people))
  }
  return { result: admitted, acts }
}
