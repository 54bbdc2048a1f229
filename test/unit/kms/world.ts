// Keys, resources, people and a store in memory: valid by default, one change per test.

import type { Act } from '../../../src/audit/index.ts'
import { aesKeyFrom, type Random } from '../../../src/crypto/index.ts'
import type { ClientId, KeyUri, ResourceUri, UserId } from '../../../src/id.ts'
import type { Person } from '../../../src/identity/index.ts'
import type {
  BoundKey,
  KeyEncryptionKey,
  Ledger,
  MainKey,
  OpenMainKey,
  Resource,
  Transaction,
  UnboundKey,
} from '../../../src/kms/index.ts'
import { after, type Instant, instant, seconds } from '../../../src/time.ts'
import { ACME, GLOBEX, organization } from '../identity/world.ts'

export const NOW = instant(Date.UTC(2026, 2, 1, 10))
export const HOME = 'kms://kms.acme.example'
export const ORGANIZATION = organization(ACME)
export const OTHER_ORGANIZATION = organization(GLOBEX)
// The parsers of the protocol make these elsewhere; tests name them outright.
export const ALICE = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114' as UserId
export const BOB = '11111111-51c7-4d92-a6be-3f7d20c9e115' as UserId
export const DEVICE = 'https://core.example/devices/1' as ClientId
export const KEY_URI = `${HOME}/keys/00000000-0000-4000-8000-000000000001` as KeyUri
export const RESOURCE_URI = `${HOME}/resources/00000000-0000-4000-8000-000000000002` as ResourceUri
export const OTHER_RESOURCE =
  `${HOME}/resources/00000000-0000-4000-8000-000000000003` as ResourceUri

const base = {
  uri: KEY_URI,
  organizationId: ORGANIZATION,
  createdBy: ALICE,
  clientId: DEVICE,
  createdAt: NOW,
  wrapped: { keyEncryptionKeyId: 'kek', bytes: new Uint8Array(60), version: 1 },
}

export const anUnboundKey = (changes: Partial<UnboundKey> = {}): UnboundKey => ({
  ...base,
  state: 'unbound',
  bindBy: after(NOW, seconds(60)),
  ...changes,
})

export const aBoundKey = (changes: Partial<BoundKey> = {}): BoundKey => ({
  ...base,
  state: 'bound',
  boundAt: NOW,
  resourceUri: RESOURCE_URI,
  ...changes,
})

export const aResource = (changes: Partial<Resource> = {}): Resource => ({
  uri: RESOURCE_URI,
  organizationId: ORGANIZATION,
  createdBy: ALICE,
  createdAt: NOW,
  ...changes,
})

export const aPerson = (changes: Partial<Person> = {}): Person => ({
  kind: 'person',
  userId: ALICE,
  organizationId: ORGANIZATION,
  roles: new Set<string>(),
  tokenExpiresAt: after(NOW, seconds(3600)),
  issuer: 'https://idp.acme.example',
  ...changes,
})

export const aMainKey = (number = 1, fill = number): OpenMainKey => ({
  mainKey: {
    id: `00000000-0000-4000-8000-00000000000${number}`,
    organizationId: ORGANIZATION,
    createdAt: NOW,
  },
  key: aesKeyFrom(new Uint8Array(32).fill(fill)),
})

/** Counts instead of drawing: what it makes can be told apart and never repeats. */
export const countingRandom = (): Random => {
  let drawn = 0
  return {
    bytes: (count) => {
      drawn += 1
      const bytes = new Uint8Array(count).fill(drawn & 0xff)
      new DataView(bytes.buffer).setUint32(0, drawn)
      return bytes
    },
    uuid: () => {
      drawn += 1
      return `00000000-0000-4000-8000-${String(drawn).padStart(12, '0')}`
    },
  }
}

/** The keyring's part of a store, in memory, behind a ledger that keeps the acts. */
export const aKeyringLedger = (now: () => Instant = () => NOW) => {
  const mainKeys: MainKey[] = []
  const keys: KeyEncryptionKey[] = []
  const acts: Act[] = []
  const keyring: Transaction['keyring'] = {
    mainKeys: async () => [...mainKeys],
    insertMainKey: async (key) => void mainKeys.push(key),
    keyEncryptionKeys: async () => [...keys],
    insertKeyEncryptionKey: async (key) => void keys.push(key),
    countWraps: async () => undefined,
  }
  const ledger: Ledger = {
    commit: async (work) => {
      // Unlocking touches the keyring and nothing else of a transaction.
      const done = await work({ keyring } as Transaction, now())
      acts.push(...done.acts)
      return done.result
    },
    commitNumbered: async (work) => ({ result: await ledger.commit(work), sequences: [] }),
  }
  return { ledger, mainKeys, keys, acts }
}
