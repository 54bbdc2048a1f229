// The door of admin: people running the appliance.

export type {
  CliAbout,
  CliActions,
  CliOutput,
  ExitCode,
  IdentityImportOptions,
  InitOptions,
  StatusOptions,
  UnlockOptions,
  UsersImportOptions,
  WithConfig,
} from './cli.ts'
export { buildProgram, runCli } from './cli.ts'
export type {
  AccessActions,
  MachineFeatureOptions,
  MachineOptions,
  MachinesAddOptions,
  PersonOptions,
} from './cli-access.ts'
export type {
  AuditActions,
  AuditConsistencyOptions,
  AuditEraseOptions,
  AuditExportOptions,
  AuditProveOptions,
  AuditReconcileOptions,
  AuditRotateOptions,
  AuditSearchOptions,
  AuditShowOptions,
  AuditVerifyOptions,
} from './cli-audit.ts'
export type {
  BackupActions,
  BackupOptions,
  RecoveryKeyOptions,
  RehearseOptions,
  RestoreOptions,
  UpgradeOptions,
} from './cli-backup.ts'
export type { IndexActions, IndexLabOptions, IndexLeakageOptions } from './cli-index.ts'
export type { IndexingActions, IndexRoomOptions } from './cli-indexing.ts'
export type {
  PeerActions,
  PeerOptions,
  PeerPinOptions,
  PeerReceiptsOptions,
  PeerReconcileOptions,
} from './cli-peers.ts'
export type { ShipActions } from './cli-ship.ts'
export type {
  AdminActions,
  ApplianceStatus,
  ErasureObstacle,
  ErasureOutcome,
  LogEntry,
  LogPage,
  LogStatus,
  UnlockOutcome,
  WitnessStatus,
} from './ports.ts'
