// Whether a realm put back from a backup would serve: a key is made, stored, read back and opened, and keys of old are
// tried one by one. Nothing that was opened leaves this file; the answers are yes or no.

import { constantTimeEqual, type Random } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import type { ClientId, KeyUri, OrganizationId, UserId } from '../../id.ts'
import { after, seconds } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import type { UnboundKey, Wrapped } from '../key.ts'
import type { Store } from '../ports.ts'
import type { Keyring } from './keyring.ts'

const KEY_BYTES = 32
const LIVES_FOR = seconds(60)

/** Does the keyring open what was wrapped under this name? */
export const isOpenable = (keyring: Keyring, name: string, wrapped: Wrapped): boolean => {
  try {
    keyring.unwrap(name, wrapped).wipe()
    return true
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

export interface TestKeyMeans {
  readonly keyring: Keyring
  readonly ledger: Ledger
  readonly store: Store
  readonly random: Random
}

export interface TestKey {
  readonly uri: KeyUri
  readonly organizationId: OrganizationId
  readonly createdBy: UserId
  readonly clientId: ClientId
}

/** Makes the key, records it, reads it back in another transaction and compares its bytes. */
export const serveTestKey = async (means: TestKeyMeans, named: TestKey): Promise<boolean> => {
  const { keyring, ledger, store, random } = means
  const bytes = random.bytes(KEY_BYTES)
  const wrapped = keyring.wrap(named.organizationId, 'content', named.uri, bytes)
  await ledger.commit(async (tx, now) => {
    const bindBy = after(now, LIVES_FOR)
    const key: UnboundKey = { ...named, state: 'unbound', createdAt: now, bindBy, wrapped }
    await tx.keys.insert([key])
    await tx.keyring.countWraps(wrapped.keyEncryptionKeyId, 1)
    return {
      result: undefined,
      acts: [
        {
          action: 'key.created',
          outcome: 'done',
          actor: { kind: 'system' },
          type: 'KEY',
          keys: [named.uri],
        },
      ],
    }
  })
  const found = await store.read((tx) => tx.keys.find([named.uri]))
  const stored = found.get(named.uri)
  if (stored === undefined) return false
  const opened = keyring.unwrap(stored.uri, stored.wrapped)
  const isSame = constantTimeEqual(opened.expose(), bytes)
  opened.wipe()
  bytes.fill(0)
  return isSame
}
