// The tables as types, and what every column is called. What a table is for and why it has the indexes
// it has stands in README.md; how it came to be stands in migrations/. Bytes are always wrapped bytes.

import type {
  copyHolderColumns,
  foreignKeyColumns,
  foreignKnowledgeColumns,
  owedReceiptColumns,
  owedWithdrawalColumns,
  peerColumns,
  peerConflictColumns,
  peerLogKeyColumns,
  peerPinColumns,
  peerReceiptColumns,
  pendingBindColumns,
  receiptProgressColumns,
} from './peer-tables.ts'

/** How a value travels: text, whole number, bytes; with `?` it may be null. */
export type Kind = 'text' | 'integer' | 'bytes' | 'text?' | 'integer?'

interface KindTypes {
  readonly text: string
  readonly integer: number
  readonly bytes: Uint8Array
  readonly 'text?': string | null
  readonly 'integer?': number | null
}

export type Columns = Readonly<Record<string, Kind>>
export type TypeOf<K extends Kind> = KindTypes[K]
export type RowOf<C extends Columns> = { readonly [Name in keyof C]: TypeOf<C[Name]> }

/** Numbered by the database in order of insertion; never written by us. */
interface Numbered {
  readonly id: number
}

export const keyColumns = {
  uri: 'text',
  organization_id: 'text',
  created_by: 'text',
  client_id: 'text',
  created_at: 'integer',
  // Unbound: bind_by alone. Bound: bound_at and resource_uri, and no bind_by.
  bind_by: 'integer?',
  bound_at: 'integer?',
  resource_uri: 'text?',
  key_encryption_key_id: 'text',
  wrapped: 'bytes',
  wrap_version: 'integer',
} as const satisfies Columns

export const resourceColumns = {
  uri: 'text',
  organization_id: 'text',
  created_by: 'text',
  created_at: 'integer',
  expires_at: 'integer?',
  stale_since: 'integer?',
  roster_changed_at: 'integer?',
} as const satisfies Columns

export const authorizationColumns = {
  uri: 'text',
  resource_uri: 'text',
  auth_id: 'text',
  kind: 'text',
  role: 'text',
  created_by: 'text',
  created_at: 'integer',
  expires_at: 'integer?',
  is_brought: 'integer',
} as const satisfies Columns

export const sessionColumns = {
  uri: 'text',
  principal_id: 'text',
  organization_id: 'text',
  client_id: 'text',
  created_at: 'integer',
  expires_at: 'integer',
  key_encryption_key_id: 'text',
  wrapped: 'bytes',
  wrap_version: 'integer',
} as const satisfies Columns

const answerColumns = {
  session_id: 'integer',
  request_id: 'text',
  operation: 'text',
  body: 'text',
  answered_at: 'integer',
  digest: 'text?',
} as const satisfies Columns

export const personColumns = {
  user_id: 'text',
  organization_id: 'text?',
  pseudonym: 'text',
  first_seen_at: 'integer',
  off_boarded_at: 'integer?',
} as const satisfies Columns

export const coreOperationColumns = {
  id: 'text',
  // Null: the core withdrew it before it was applied.
  status: 'integer?',
  resource_uri: 'text?',
  session_uri: 'text?',
  request_id: 'text?',
  answered_at: 'integer',
  // Of what another realm had done here under that id.
  peer: 'text?',
  meant: 'text?',
  answer: 'text?',
} as const satisfies Columns

export const rosterDriftColumns = {
  resource_uri: 'text',
  side: 'text',
  subject: 'text',
  since: 'integer',
} as const satisfies Columns

export const rosterCheckColumns = {
  id: 'integer',
  checked_at: 'integer',
  rooms: 'integer',
} as const satisfies Columns

export const offBoardingColumns = {
  user_id: 'text',
  sequence: 'integer',
  off_boarded_at: 'integer',
  finished_at: 'integer?',
  acknowledged_at: 'integer?',
} as const satisfies Columns

export const offBoardedRoomColumns = {
  user_id: 'text',
  resource_uri: 'text',
} as const satisfies Columns

export const machineAccountColumns = {
  user_id: 'text',
  name: 'text',
  organization_id: 'text',
  created_at: 'integer',
  disabled_at: 'integer?',
} as const satisfies Columns

export const machineGrantColumns = {
  uri: 'text',
  user_id: 'text',
  feature: 'text',
  // `all`, or the URI of a resource.
  scope: 'text',
  created_at: 'integer',
} as const satisfies Columns

export const machineExclusionColumns = {
  user_id: 'text',
  feature: 'text',
  resource_uri: 'text',
  created_at: 'integer',
} as const satisfies Columns

export const searchKeyColumns = {
  id: 'integer',
  uri: 'text',
  resource_uri: 'text',
  organization_id: 'text',
  words_version: 'text',
  language: 'text',
  created_at: 'integer',
  retired_at: 'integer?',
  // Its bytes are gone then.
  destroyed_at: 'integer?',
  key_encryption_key_id: 'text',
  wrapped: 'bytes',
  wrap_version: 'integer',
} as const satisfies Columns

export const searchCounterColumns = {
  search_key_id: 'integer',
  uri: 'text',
  key_encryption_key_id: 'text',
  wrapped: 'bytes',
  wrap_version: 'integer',
} as const satisfies Columns

export const indexedRoomColumns = {
  resource_uri: 'text',
  since: 'integer',
  messages: 'integer',
} as const satisfies Columns

export const indexProgressColumns = {
  id: 'integer',
  read_to: 'integer',
  head: 'integer',
  indexed: 'integer',
  skipped: 'integer',
} as const satisfies Columns

export const indexGrantColumns = { uri: 'text' } as const satisfies Columns

export const indexRangeColumns = {
  reason: 'text',
  // Null: of all rooms.
  resource_uri: 'text?',
  // For a re-index: the key that will stand alone at its end.
  search_key_id: 'integer?',
  start_after: 'integer',
  read_to: 'integer',
  up_to: 'integer',
  due_at: 'integer',
  attempts: 'integer',
  created_at: 'integer',
} as const satisfies Columns

export const outboxColumns = {
  resource_uri: 'text',
  message_id: 'text',
  revision: 'integer',
  hashes: 'bytes',
} as const satisfies Columns

export const indexDropColumns = {
  resource_uri: 'text',
  since: 'integer',
} as const satisfies Columns

export const mainKeyColumns = {
  id: 'text',
  organization_id: 'text',
  created_at: 'integer',
} as const satisfies Columns

export const keyEncryptionKeyColumns = {
  id: 'text',
  main_key_id: 'text',
  organization_id: 'text',
  purpose: 'text',
  wrapped: 'bytes',
  created_at: 'integer',
  wraps: 'integer',
} as const satisfies Columns

export const staticKeyColumns = {
  uri: 'text',
  public_jwk: 'text',
  key_encryption_key_id: 'text',
  wrapped: 'bytes',
  wrap_version: 'integer',
  created_at: 'integer',
} as const satisfies Columns

export const auditEntryColumns = {
  sequence: 'integer',
  body: 'text',
} as const satisfies Columns

export const shipCursorColumns = {
  destination: 'text',
  sequence: 'integer',
  holder: 'text',
  claimed_at: 'integer',
  lease_until: 'integer',
} as const satisfies Columns

export const logTileColumns = {
  level: 'integer',
  tile: 'integer',
  hashes: 'bytes',
} as const satisfies Columns

export const logTreeColumns = {
  id: 'integer',
  size: 'integer',
  generation: 'integer',
  checkpoint: 'text',
  published_at: 'integer',
  holder: 'text',
  held_until: 'integer',
  key_epoch: 'integer',
} as const satisfies Columns

export const logRotationColumns = {
  sequence: 'integer',
  generation: 'integer',
  note: 'text',
} as const satisfies Columns

export const logKeyColumns = {
  name: 'text',
  algorithm: 'text',
  public_key: 'bytes',
  key_encryption_key_id: 'text',
  wrapped: 'bytes',
  wrap_version: 'integer',
  created_at: 'integer',
  purpose: 'text',
} as const satisfies Columns

export const logWitnessColumns = {
  witness: 'text',
  generation: 'integer',
  size: 'integer',
  line: 'text',
  cosigned_at: 'integer',
  failures: 'integer',
  code: 'text',
  claimed_size: 'integer',
  tried_at: 'integer',
} as const satisfies Columns

export const logWitnessedColumns = {
  id: 'integer',
  generation: 'integer',
  size: 'integer',
  note: 'text',
  witnessed_at: 'integer',
} as const satisfies Columns

export const seenLogColumns = {
  origin: 'text',
  size: 'integer',
  root: 'bytes',
  note: 'text',
  seen_at: 'integer',
} as const satisfies Columns

export interface Schema {
  readonly keys: RowOf<typeof keyColumns>
  readonly resources: RowOf<typeof resourceColumns>
  readonly authorizations: RowOf<typeof authorizationColumns> & Numbered
  readonly sessions: RowOf<typeof sessionColumns> & Numbered
  readonly answers: RowOf<typeof answerColumns> & Numbered
  readonly people: RowOf<typeof personColumns>
  readonly core_operations: RowOf<typeof coreOperationColumns>
  readonly roster_drifts: RowOf<typeof rosterDriftColumns>
  readonly roster_checks: RowOf<typeof rosterCheckColumns>
  readonly off_boardings: RowOf<typeof offBoardingColumns>
  readonly off_boarded_rooms: RowOf<typeof offBoardedRoomColumns>
  readonly machine_accounts: RowOf<typeof machineAccountColumns>
  readonly machine_grants: RowOf<typeof machineGrantColumns>
  readonly machine_exclusions: RowOf<typeof machineExclusionColumns>
  readonly search_keys: RowOf<typeof searchKeyColumns>
  readonly search_counters: RowOf<typeof searchCounterColumns> & Numbered
  readonly indexed_rooms: RowOf<typeof indexedRoomColumns>
  readonly index_progress: RowOf<typeof indexProgressColumns>
  readonly index_grants: RowOf<typeof indexGrantColumns>
  readonly index_ranges: RowOf<typeof indexRangeColumns> & Numbered
  readonly index_outbox: RowOf<typeof outboxColumns> & Numbered
  readonly index_drops: RowOf<typeof indexDropColumns>
  readonly main_keys: RowOf<typeof mainKeyColumns>
  readonly key_encryption_keys: RowOf<typeof keyEncryptionKeyColumns>
  readonly static_keys: RowOf<typeof staticKeyColumns>
  readonly audit_entries: RowOf<typeof auditEntryColumns>
  readonly ship_cursors: RowOf<typeof shipCursorColumns>
  readonly audit_head: {
    readonly id: number
    readonly sequence: number
    readonly recorded_at: number
  }
  readonly log_tiles: RowOf<typeof logTileColumns>
  readonly log_tree: RowOf<typeof logTreeColumns>
  readonly log_keys: RowOf<typeof logKeyColumns>
  readonly log_rotations: RowOf<typeof logRotationColumns>
  readonly peers: RowOf<typeof peerColumns>
  readonly peer_pins: RowOf<typeof peerPinColumns>
  readonly peer_conflicts: RowOf<typeof peerConflictColumns>
  readonly foreign_knowledge: RowOf<typeof foreignKnowledgeColumns>
  readonly foreign_keys: RowOf<typeof foreignKeyColumns>
  readonly copy_holders: RowOf<typeof copyHolderColumns>
  readonly owed_withdrawals: RowOf<typeof owedWithdrawalColumns>
  readonly peer_receipts: RowOf<typeof peerReceiptColumns>
  readonly peer_log_keys: RowOf<typeof peerLogKeyColumns>
  readonly owed_receipts: RowOf<typeof owedReceiptColumns>
  readonly receipt_progress: RowOf<typeof receiptProgressColumns>
  readonly pending_binds: RowOf<typeof pendingBindColumns>
  readonly log_witnesses: RowOf<typeof logWitnessColumns>
  readonly log_witnessed: RowOf<typeof logWitnessedColumns>
  readonly seen_logs: RowOf<typeof seenLogColumns>
}
