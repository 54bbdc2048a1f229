// The upper two levels of the key hierarchy as stored: one main key per organisation wraps
// key-encryption keys, which wrap everything else. Nothing here is unwrapped.

import type { OrganizationId } from '../../id.ts'
import type { Instant } from '../../time.ts'

/**
 * What a key-encryption key is for; one key never serves two purposes. `bearer` wraps nothing: it
 * authenticates the tokens of anonymous bearers. `log` wraps the keys that sign the log's checkpoints.
 */
export const PURPOSES = ['content', 'session', 'identity', 'bearer', 'search', 'log'] as const
export type Purpose = (typeof PURPOSES)[number]

/** A main key's public facts. Its bytes are in the sealed file, never in the database. */
export interface MainKey {
  readonly id: string
  readonly organizationId: OrganizationId
  readonly createdAt: Instant
}

export interface KeyEncryptionKey {
  readonly id: string
  readonly mainKeyId: string
  readonly organizationId: OrganizationId
  readonly purpose: Purpose
  /** The key's 32 bytes wrapped under the main key: IV ‖ ciphertext ‖ tag. */
  readonly wrapped: Uint8Array
  readonly createdAt: Instant
  /** How many objects have been wrapped under it; AES-GCM with random IVs wants a limit. */
  readonly wraps: number
}
