// An act with every member, a place, and an audit store in memory that can be rolled back.

import type { Act, AuditStore, Place, StoredEntry } from '../../../src/audit/index.ts'
import { type Instant, instant } from '../../../src/time.ts'

export const NOW = instant(Date.UTC(2026, 2, 1, 10))

export const anAct = (changes: Partial<Act> = {}): Act => ({
  action: 'key.released',
  outcome: 'done',
  actor: { kind: 'system' },
  ...changes,
})

export const aPlace = (changes: Partial<Place> = {}): Place => ({
  realm: 'acme',
  node: 'node-1',
  boot: 'boot-1',
  counter: 1,
  time: NOW,
  ...changes,
})

/** Every member there is, once. */
export const FULL_ACT: Required<Act> = {
  action: 'authorization.created',
  outcome: 'refused',
  actor: { kind: 'person', id: 'p-1' },
  onBehalfOf: 'p-2',
  code: 'kms.not-authorized',
  method: 'create',
  type: 'AUTHORIZATION_COLLECTION',
  uri: '/authorizations',
  requestId: 'r "1"',
  clientId: 'https://core.example/devices/1',
  session: 'kms://h/ecdhe/1',
  trackingId: 't-1',
  organizationId: 'o-1',
  keys: ['kms://h/keys/1', 'kms://h/keys/2'],
  resource: 'kms://h/resources/1',
  authorizations: ['kms://h/authorizations/1'],
  subjects: ['p-3'],
  uses: [{ at: '2026-03-01T10:00:00.000Z', key: 'kms://h/keys/1', purpose: 'decrypt' }],
  part: { index: 1, of: 2 },
  sizeBytes: 12,
  durationMs: 0,
  details: { zebra: true, apple: 'a\u2028b', count: 1.5e21 },
}

export class MemoryLog implements AuditStore {
  entries: readonly StoredEntry[] = []
  recordedAt = instant(0)

  async head() {
    return { sequence: this.entries.length, recordedAt: this.recordedAt }
  }

  async append(entries: readonly StoredEntry[], recordedAt: Instant) {
    this.recordedAt = recordedAt
    this.entries = [...this.entries, ...entries]
  }

  async read(afterSequence: number, limit: number) {
    return this.entries.filter((entry) => entry.sequence > afterSequence).slice(0, limit)
  }
}
