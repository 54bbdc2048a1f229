// The door of `kms`: keys, resources, authorizations, and the corridor that leads to them.

export {
  addMachine,
  disableMachine,
  type GrantChange,
  grantFeature,
  type NewMachine,
  revokeFeature,
} from './access/machines.ts'
export { withdrawBearer } from './access/withdraw-bearer.ts'
export type { Authorization, Role } from './authorization.ts'
export { Bearers } from './corridor/bearers.ts'
export { Channels } from './corridor/channels.ts'
export { Committer } from './corridor/committer.ts'
export { createLedger, type Done, type Ledger } from './corridor/ledger.ts'
export type { Means } from './corridor/operation.ts'
export { People } from './corridor/people.ts'
export {
  type Corridor,
  type CorridorParts,
  createCorridor,
  type OperationAnswer,
  operationAnswer,
} from './corridor/pipeline.ts'
export type { StoredAnswer, StoredAnswerId } from './corridor/stored-answer.ts'
export {
  type ForeignHome,
  type Granted,
  isDenial,
  type PeerAsk,
  type Told,
  type ToldKey,
} from './foreign/foreign.ts'
export {
  createPeerDesk,
  type PeerAnswer,
  type PeerDesk,
  type PeerItem,
} from './foreign/peer-desk.ts'
export type {
  ClaimConflict,
  CopyStore,
  DebtStore,
  ForeignKey,
  Holder,
  OwedWithdrawal,
  PeerRecord,
  PeerStore,
  PendingBind,
  Pin,
  ResourceAndUser,
} from './foreign/peer-ports.ts'
export {
  logKeyLearned,
  noteDigest,
  type OwedReceipt,
  type PeerReceipt,
  type ReceiptStore,
} from './foreign/peer-receipts.ts'
export { NOT_PINNED } from './foreign/peer-standing.ts'
export { type BindParts, retryBinds } from './foreign/pending-binds.ts'
export type {
  CoreOperation,
  Forwarded,
  SettledOperation,
  WithdrawnOperation,
} from './joint/core-operation.ts'
export {
  DRIFT_SIDES,
  type Drift,
  type DriftSide,
  type RosterCheck,
  type StoredDrift,
} from './joint/roster.ts'
export {
  createRosters,
  type RosterMeans,
  type RosterResult,
  type Rosters,
} from './joint/rosters.ts'
export { sweepOperations, withdrawOperation } from './joint/withdraw.ts'
export type { BoundKey, Key, UnboundKey, Wrapped } from './key.ts'
export { type IdentityMaterial, importIdentity } from './keyring/identity-import.ts'
export { Keyring, type OpenMainKey } from './keyring/keyring.ts'
export type { LogKey } from './keyring/log-key.ts'
export {
  ensureLogKeys,
  LogKeys,
  type Retirement,
  retireLogKeys,
  rotateLogKeys,
} from './keyring/log-keys.ts'
export { isOpenable, serveTestKey, type TestKey, type TestKeyMeans } from './keyring/rehearsal.ts'
export { StaticKeys } from './keyring/static-keys.ts'
export type { KeyEncryptionKey, MainKey, Purpose } from './keyring/stored.ts'
export {
  openMainKeys,
  renewKeyEncryptionKeys,
  sealNewMainKeys,
  unlockKeyring,
} from './keyring/unlock.ts'
export { type ErasureStore, erasePerson } from './leaving/erasure.ts'
export type { OffBoarding } from './leaving/off-boarded.ts'
export {
  acknowledgeOffBoarding,
  finishOffBoarding,
  offBoard,
  type PendingOffBoarding,
  pendingOffBoardings,
} from './leaving/off-boarding.ts'
export {
  isProven,
  type OffBoardingReport,
  reportOffBoarding,
} from './leaving/off-boarding-report.ts'
export {
  agentsBy,
  FEATURES,
  type Feature,
  type FeatureExclusion,
  type FeatureGrant,
  type FeaturePolicy,
  type MachineAccount,
  type Scope,
} from './machine.ts'
export type { Person } from './person.ts'
export type {
  AnswerStore,
  AuthorizationStore,
  BoundKeyFilter,
  FeatureQuestion,
  KeyringStore,
  KeyStore,
  LiveSessions,
  LogKeyStore,
  MachineStore,
  OffBoardingStore,
  OperationStore,
  PersonStore,
  ResourceAndAuthId,
  ResourceStore,
  ResourceSummary,
  RoomAgent,
  RosterStore,
  SearchKeyStore,
  SessionStore,
  Standing,
  StaticKeyStore,
  Store,
  Transaction,
} from './ports.ts'
export type { Resource } from './resource.ts'
export {
  type AdmittedRoom,
  admitToIndex,
  type IndexingMeans,
  type IndexWish,
  mintSearchKey,
} from './search/indexing.ts'
export { permitSearch, type SearchPermit, type SearchQuestion } from './search/searching.ts'
export { isCurrent, type SearchKey, type SearchKeyPlace, type WordRules } from './search-key.ts'
export type { Session } from './session.ts'
export type { KmsSettings } from './settings.ts'
export type { StaticKey } from './static-key.ts'
export { type Swept, sweep } from './sweep.ts'
