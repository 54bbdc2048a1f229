// The door of `kms`: keys, resources, authorizations, and the corridor that leads to them.

export type { Authorization, Role } from './authorization.ts'
export { Bearers } from './bearers.ts'
export { Channels } from './channels.ts'
export { Committer } from './committer.ts'
export type {
  CoreOperation,
  Forwarded,
  SettledOperation,
  WithdrawnOperation,
} from './core-operation.ts'
export { type ErasureStore, erasePerson } from './erasure.ts'
export type { ForeignHome, Granted, PeerAsk, Told, ToldKey } from './foreign.ts'
export { type IdentityMaterial, importIdentity } from './identity-import.ts'
export {
  type AdmittedRoom,
  admitToIndex,
  type IndexingMeans,
  type IndexWish,
  mintSearchKey,
} from './indexing.ts'
export type { BoundKey, Key, UnboundKey, Wrapped } from './key.ts'
export { Keyring, type OpenMainKey } from './keyring/keyring.ts'
export type { KeyEncryptionKey, MainKey, Purpose } from './keyring/stored.ts'
export {
  openMainKeys,
  renewKeyEncryptionKeys,
  sealNewMainKeys,
  unlockKeyring,
} from './keyring/unlock.ts'
export { createLedger, type Done, type Ledger } from './ledger.ts'
export type { LogKey } from './log-key.ts'
export {
  ensureLogKeys,
  LogKeys,
  type Retirement,
  retireLogKeys,
  rotateLogKeys,
} from './log-keys.ts'
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
export {
  addMachine,
  disableMachine,
  type GrantChange,
  grantFeature,
  type NewMachine,
  revokeFeature,
} from './machines.ts'
export type { OffBoarding } from './off-boarded.ts'
export {
  acknowledgeOffBoarding,
  finishOffBoarding,
  offBoard,
  type PendingOffBoarding,
  pendingOffBoardings,
} from './off-boarding.ts'
export { isProven, type OffBoardingReport, reportOffBoarding } from './off-boarding-report.ts'
export type { Means } from './operation.ts'
export { createPeerDesk, type PeerAnswer, type PeerDesk, type PeerItem } from './peer-desk.ts'
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
} from './peer-ports.ts'
export {
  logKeyLearned,
  noteDigest,
  type OwedReceipt,
  type PeerReceipt,
  type ReceiptStore,
} from './peer-receipts.ts'
export { type BindParts, retryBinds } from './pending-binds.ts'
export { People } from './people.ts'
export type { Person } from './person.ts'
export {
  type Corridor,
  type CorridorParts,
  createCorridor,
  type OperationAnswer,
  operationAnswer,
} from './pipeline.ts'
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
export { isOpenable, serveTestKey, type TestKey, type TestKeyMeans } from './rehearsal.ts'
export type { Resource } from './resource.ts'
export {
  DRIFT_SIDES,
  type Drift,
  type DriftSide,
  type RosterCheck,
  type StoredDrift,
} from './roster.ts'
export { createRosters, type RosterMeans, type RosterResult, type Rosters } from './rosters.ts'
export { isCurrent, type SearchKey, type SearchKeyPlace, type WordRules } from './search-key.ts'
export { permitSearch, type SearchPermit, type SearchQuestion } from './searching.ts'
export type { Session } from './session.ts'
export type { KmsSettings } from './settings.ts'
export type { StaticKey } from './static-key.ts'
export { StaticKeys } from './static-keys.ts'
export type { StoredAnswer, StoredAnswerId } from './stored-answer.ts'
export { type Swept, sweep } from './sweep.ts'
export { sweepOperations, withdrawOperation } from './withdraw.ts'
export { withdrawBearer } from './withdraw-bearer.ts'
