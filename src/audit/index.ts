// The door of `audit`: what happened, provably.

export { chain, chainHash, EMPTY_HEAD, firstBreak } from './chain.ts'
export { encodeEntry } from './encode.ts'
export type { Act, Actor, ActorKind, ObjectType, Outcome, Place } from './entry.ts'
export type { AuditStore, ChainedEntry, ChainHead } from './ports.ts'
export { createRecorder, type Recorder } from './recorder.ts'
