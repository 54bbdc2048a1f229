// The door of `audit`: what happened, provably.

export { chain, chainHash, EMPTY_HEAD, firstBreak } from './chain.ts'
export { encodeEntry } from './encode.ts'
export type { Act, Actor, ActorKind, ObjectType, Outcome, Place } from './entry.ts'
export type { NumberedEntry } from './layouts/fields.ts'
export { createRenderer, type LayoutName, type Rendering } from './layouts/render.ts'
export type { SyslogHeader } from './layouts/syslog.ts'
export type { AuditStore, ChainedEntry, ChainHead } from './ports.ts'
export { createRecorder, type Recorder } from './recorder.ts'
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
