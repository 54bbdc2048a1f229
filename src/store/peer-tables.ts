// Columns of the tables for federation; `schema.ts` holds them against its kinds.

export const peerColumns = {
  domain: 'text',
  first_met_at: 'integer',
  blocked_at: 'integer?',
} as const

export const peerPinColumns = {
  user_id: 'text',
  domain: 'text',
  pinned_at: 'integer',
  // Null: claimed by the domain itself, and no administrator has said so.
  confirmed_at: 'integer?',
} as const

export const peerConflictColumns = {
  user_id: 'text',
  domain: 'text',
  first_at: 'integer',
} as const

export const foreignKnowledgeColumns = {
  resource_uri: 'text',
  user_id: 'text',
  checked_at: 'integer',
  // What was asked before then counts no more.
  withdrawn_at: 'integer?',
} as const

export const foreignKeyColumns = {
  uri: 'text',
  resource_uri: 'text',
  bound_at: 'integer',
} as const

export const copyHolderColumns = {
  resource_uri: 'text',
  user_id: 'text',
  domain: 'text',
  since: 'integer',
} as const

export const owedWithdrawalColumns = {
  ...copyHolderColumns,
  due_at: 'integer',
  attempts: 'integer',
} as const

export const pendingBindColumns = {
  key_uri: 'text',
  resource_uri: 'text',
  user_id: 'text',
  since: 'integer',
  due_at: 'integer',
  attempts: 'integer',
  operation_id: 'text?',
} as const

export const peerReceiptColumns = {
  domain: 'text',
  kind: 'text',
  // Of the first entry that it names, in the log of whoever signed it.
  entry: 'integer',
  note: 'text',
  received_at: 'integer',
} as const

export const peerLogKeyColumns = {
  domain: 'text',
  vkey: 'text',
  first_at: 'integer',
} as const

export const owedReceiptColumns = {
  domain: 'text',
  sequence: 'integer',
  due_at: 'integer',
  attempts: 'integer',
} as const

export const receiptProgressColumns = {
  name: 'text',
  sequence: 'integer',
} as const
