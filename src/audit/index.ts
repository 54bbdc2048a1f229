// The door of `audit`: what happened, provably.

export { textIn } from './canonical.ts'
export { type CheckedEntries, checkEntries, type EntriesVerdict } from './check-entries.ts'
export {
  type Checkpoint,
  type CheckpointProblem,
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifierKeyOf,
} from './checkpoint.ts'
export { cosign, cosignedAt, witnessKeyOf } from './cosignature.ts'
export { encodeEntry } from './encode.ts'
export type { Act, Actor, ActorKind, ObjectType, Outcome, Place, Use } from './entry.ts'
export type { Finding, Report } from './findings.ts'
export { EMPTY_TREE, grow, rootOfTree, type StoredTile } from './integrate.ts'
export { checkKept, type KeptVerdict } from './kept.ts'
export type { NumberedEntry } from './layouts/fields.ts'
export { createRenderer, type LayoutName, type Rendering } from './layouts/render.ts'
export type { SyslogHeader } from './layouts/syslog.ts'
export { formatVkey, parseNote, parseVkey, type VerifierKey } from './note.ts'
export { type PeerDifference, reconcilePeers } from './peer-reconcile.ts'
export type {
  AuditStore,
  KeyRotation,
  LogDatabase,
  LogHead,
  LogLedger,
  LogTransaction,
  SeenLog,
  StoredEntry,
  TreeHead,
  TreeStep,
  TreeStore,
  WitnessedNote,
  WitnessState,
  WitnessStore,
} from './ports.ts'
export { parseConsistency, parseInclusion } from './proof.ts'
export {
  createPublisher,
  type Publisher,
  type PublisherParts,
  rootAt,
  type StepOutcome,
  tilesIn,
  waitedFor,
} from './publish.ts'
export { brokenAt, RangeCheck } from './range.ts'
export {
  type Orphan,
  type ReadLog,
  type Reconciled,
  reconcile,
} from './reconcile.ts'
export { createRecorder, type Recorded, type Recorder } from './recorder.ts'
export { keyDetails, rotationPath } from './rotation.ts'
export { proveConsistency, proveInclusion, servedRotation, servedTile } from './serve.ts'
export { createShipper, type Shipper } from './ship.ts'
export { createFilter, type ShipFilter } from './shipping/filter.ts'
export type {
  ShipClaim,
  ShipCursor,
  Shipment,
  ShippingStore,
  ShipTarget,
} from './shipping/ports.ts'
export {
  type ShipBacklog,
  type ShipProgress,
  type ShipStatus,
  shipStatus,
} from './shipping/progress.ts'
export type { ShipperOptions, ShipSource } from './shipping/run.ts'
export {
  openStatement,
  type SignedStatement,
  STATEMENT_KINDS,
  type StatedEntry,
  type Statement,
  type StatementKind,
  signStatement,
} from './statement.ts'
export {
  encodeBundle,
  parseBundle,
  parseTilePath,
  TILE_WIDTH,
  type Tile,
  tilePath,
  tilesOf,
} from './tiles.ts'
export { Frontier, isConsistent, leafHash, rootFromInclusion, sameBytes } from './tree.ts'
export { type ReadFile, type VerifyOptions, verifyLog } from './verify.ts'
export { type AddCheckpoint, LogWitness, type WitnessRefusal } from './witness.ts'
export {
  cosignersOf,
  servedCheckpoint,
  servedWitnessed,
  type Witness,
  type WitnessAnswer,
  Witnesses,
  type WitnessNews,
  witnessName,
} from './witnesses.ts'
