// A room's search key: what the words of its messages are hashed under. Made here, kept wrapped like every key, used by
// the indexer inside the realm, and never sent anywhere. A room has several over time; the newest takes what comes.

import type { OrganizationId, ResourceUri } from '../id.ts'
import type { Instant } from '../time.ts'
import type { Wrapped } from './key.ts'

export interface SearchKey {
  /** Rises over all rooms of the realm, and is never given twice. */
  readonly id: number
  /** Names it in the audit log, and in the associated data of its wrapping. */
  readonly uri: string
  readonly resourceUri: ResourceUri
  readonly organizationId: OrganizationId
  /** How texts become words under it: an index and its queries must agree. */
  readonly wordsVersion: string
  /** The stemmer for what the room writes in Latin script. */
  readonly language: string
  readonly createdAt: Instant
  /** Since when somebody who may read no more was in the room while it was in use. */
  readonly retiredAt?: Instant
  readonly wrapped: Wrapped
}

export type SearchKeyPlace = Pick<SearchKey, 'id' | 'resourceUri' | 'organizationId'>

/** What new keys are made for. */
export interface WordRules {
  readonly wordsVersion: string
  readonly language: string
}

/** May this key take what comes? The room gets a new one otherwise. */
export const isCurrent = (key: SearchKey, rules: WordRules): boolean =>
  key.retiredAt === undefined &&
  key.wordsVersion === rules.wordsVersion &&
  key.language === rules.language
