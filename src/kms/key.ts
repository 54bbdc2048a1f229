// A content key's life: unbound → bound. Transitions are pure and may refuse; nothing here does I/O,
// and no key is ever held here unwrapped.

import type { ClientId, KeyUri, OrganizationId, ResourceUri, UserId } from '../id.ts'
import type { Instant } from '../time.ts'

/** Bytes sealed under a key-encryption key; associated data = the object's URI and version. */
export interface Wrapped {
  readonly keyEncryptionKeyId: string
  /** 96-bit IV ‖ ciphertext ‖ 128-bit tag. */
  readonly bytes: Uint8Array
  /** Counts re-wraps of the same object, from 1. */
  readonly version: number
}

interface KeyBase {
  readonly uri: KeyUri
  readonly organizationId: OrganizationId
  readonly createdBy: UserId
  readonly clientId: ClientId
  readonly createdAt: Instant
  readonly wrapped: Wrapped
}

export interface UnboundKey extends KeyBase {
  readonly state: 'unbound'
  /** The last moment at which it can be bound. */
  readonly bindBy: Instant
}

export interface BoundKey extends KeyBase {
  readonly state: 'bound'
  readonly boundAt: Instant
  readonly resourceUri: ResourceUri
}

export type Key = UnboundKey | BoundKey

/** Unbound → bound. Whether it may be is decided in `access.ts`; a bound key is returned as it is. */
export const bindTo = (key: Key, resourceUri: ResourceUri, now: Instant): BoundKey => {
  if (key.state === 'bound') return key
  const { state: _state, bindBy: _bindBy, ...base } = key
  return { ...base, state: 'bound', boundAt: now, resourceUri }
}
