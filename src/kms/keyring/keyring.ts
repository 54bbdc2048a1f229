// The key hierarchy in memory: main key → key-encryption keys → everything else. It mints, wraps and
// unwraps; while it is locked it can do none of them. Unwrapped keys leave only through `unwrap`,
// which `reveal.ts`, `channels.ts` and `static-keys.ts` call and nothing else may.

import {
  type AesKey,
  aesKeyFrom,
  type Random,
  type SecretBytes,
  unwrap,
  wrap,
} from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import type { OrganizationId } from '../../id.ts'
import type { Instant } from '../../time.ts'
import type { Wrapped } from '../key.ts'
import { type KeyEncryptionKey, type MainKey, PURPOSES, type Purpose } from './stored.ts'

/** NIST SP 800-38D §8.3: at most 2³² wraps with random IVs under one key. A new key comes long before. */
const RENEW_AFTER_WRAPS = 2 ** 30
const STOP_AT_WRAPS = 2 ** 32

/** A main key and its bytes, as the sealed file holds them. */
export interface OpenMainKey {
  readonly mainKey: MainKey
  readonly key: AesKey
}

interface OpenKeyEncryptionKey {
  readonly id: string
  readonly key: AesKey
  wraps: number
}

const shelf = (organizationId: OrganizationId, purpose: Purpose): string =>
  `${organizationId} ${purpose}`

const kekAssociatedData = (key: Pick<KeyEncryptionKey, 'id' | 'organizationId' | 'purpose'>) =>
  `keyrealm:kek\n${key.id}\n${key.organizationId}\n${key.purpose}`

const associatedData = (uri: string, version: number): string => `${uri}\n${version}`

/** A fresh key-encryption key, wrapped under its main key; its bytes are not kept here. */
export const mintKeyEncryptionKey = (
  main: OpenMainKey,
  purpose: Purpose,
  random: Random,
  now: Instant,
): KeyEncryptionKey => {
  const named = { id: random.uuid(), organizationId: main.mainKey.organizationId, purpose }
  return {
    ...named,
    mainKeyId: main.mainKey.id,
    wrapped: wrap(main.key, random.bytes(32), kekAssociatedData(named), random),
    createdAt: now,
    wraps: 0,
  }
}

/** Which organisation and purpose lack a key-encryption key that may still be used for wrapping. */
export const missingPurposes = (
  organizationId: OrganizationId,
  keys: readonly KeyEncryptionKey[],
): readonly Purpose[] =>
  PURPOSES.filter(
    (purpose) =>
      !keys.some(
        (key) =>
          key.organizationId === organizationId &&
          key.purpose === purpose &&
          key.wraps < RENEW_AFTER_WRAPS,
      ),
  )

const openKeyEncryptionKey = (
  mains: readonly OpenMainKey[],
  stored: KeyEncryptionKey,
): SecretBytes => {
  const main = mains.find((candidate) => candidate.mainKey.id === stored.mainKeyId)
  if (main === undefined) throw new Fault('kms.main-key-missing')
  return unwrap(main.key, stored.wrapped, kekAssociatedData(stored))
}

/** Throws a Fault unless these main keys open all of these keys. */
export const assertOpens = (
  mains: readonly OpenMainKey[],
  keys: readonly KeyEncryptionKey[],
): void => {
  for (const key of keys) openKeyEncryptionKey(mains, key).wipe()
}

/** Failed only because the keyring was locked meanwhile? Then nothing is broken: it is a "not now". */
export const isLockedFault = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'kms.locked'

export class Keyring {
  readonly #random: Random
  readonly #byId = new Map<string, OpenKeyEncryptionKey>()
  readonly #active = new Map<string, OpenKeyEncryptionKey>()
  #mains: readonly OpenMainKey[] = []
  #bearerKeys: readonly SecretBytes[] = []
  #unlocked = false

  constructor(random: Random) {
    this.#random = random
  }

  get isUnlocked(): boolean {
    return this.#unlocked
  }

  /** Takes the key-encryption keys into memory. Throws a Fault if one does not open. */
  unlock(mains: readonly OpenMainKey[], keys: readonly KeyEncryptionKey[]): void {
    const oldestFirst = keys.toSorted((a, b) => a.createdAt - b.createdAt)
    const opened = oldestFirst.map((stored) => {
      const secret = openKeyEncryptionKey(mains, stored)
      const key = { id: stored.id, key: aesKeyFrom(secret), wraps: stored.wraps }
      if (stored.purpose !== 'bearer') secret.wipe()
      return { stored, key, secret }
    })
    this.lock()
    this.#bearerKeys = opened
      .filter(({ stored }) => stored.purpose === 'bearer')
      .map(({ secret }) => secret)
    for (const { stored, key } of opened) {
      this.#byId.set(key.id, key)
      this.#active.set(shelf(stored.organizationId, stored.purpose), key)
    }
    this.#mains = mains
    this.#unlocked = true
  }

  /** Forgets every key. Objects wrapped before can be opened again after the next unlock. */
  lock(): void {
    this.#byId.clear()
    this.#active.clear()
    for (const key of this.#bearerKeys) key.wipe()
    this.#bearerKeys = []
    this.#mains = []
    this.#unlocked = false
  }

  /** What new key-encryption keys are wrapped under; empty while locked. */
  get mains(): readonly OpenMainKey[] {
    return this.#mains
  }

  /** The keys that authenticate tokens of anonymous bearers; empty while locked. */
  get bearerKeys(): readonly SecretBytes[] {
    return this.#bearerKeys
  }

  /** True once a key-encryption key should be followed by a new one. */
  get wantsRenewal(): boolean {
    return [...this.#active.values()].some((key) => key.wraps >= RENEW_AFTER_WRAPS)
  }

  /** Wraps the bytes of an object under its organisation's key; the first version of the object. */
  wrap(
    organizationId: OrganizationId,
    purpose: Purpose,
    uri: string,
    plaintext: Uint8Array,
  ): Wrapped {
    const active = this.#active.get(shelf(organizationId, purpose))
    if (active === undefined) throw new Fault(this.#unlocked ? 'kms.no-wrapping-key' : 'kms.locked')
    if (active.wraps >= STOP_AT_WRAPS) throw new Fault('kms.wrapping-key-used-up')
    active.wraps += 1
    return {
      keyEncryptionKeyId: active.id,
      bytes: wrap(active.key, plaintext, associatedData(uri, 1), this.#random),
      version: 1,
    }
  }

  /** Throws a Fault if the bytes are not this object's, of this version, under that key. */
  unwrap(uri: string, wrapped: Wrapped): SecretBytes {
    const key = this.#byId.get(wrapped.keyEncryptionKeyId)
    if (key === undefined)
      throw new Fault(this.#unlocked ? 'kms.unknown-wrapping-key' : 'kms.locked')
    return unwrap(key.key, wrapped.bytes, associatedData(uri, wrapped.version))
  }
}
