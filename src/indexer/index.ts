// The door of the room: messages become posting lists, words become queries, and the core learns neither.

export { Batch, type BatchMeans, type BatchResult, SKIPPED, type Skipped } from './batch.ts'
export {
  type Blinded,
  blinding,
  blindMessages,
  type MessageTerms,
  type Tokenizing,
  tokenizeHere,
  tokenizeOn,
} from './blind.ts'
export type { ReadingMeans } from './feed-reading.ts'
export { createIndexer, type Indexer } from './indexer.ts'
export { Lab, type LabMessage, type LabOptions, type LabPosting } from './lab.ts'
export { type LeakageOptions, type LeakageReport, reportLeakage } from './leakage/report.ts'
export { leaveRoom, readAgain, rekeyRoom } from './leaving.ts'
export {
  type CounterPart,
  type IndexedStore,
  type IndexLedger,
  type IndexLine,
  type IndexProgress,
  type IndexStore,
  type IndexTransaction,
  type NewRange,
  type Posting,
  type QueuedPosting,
  RANGE_REASONS,
  type Range,
  type RangeReason,
  type RoomMessages,
} from './ports.ts'
export { hexHashes } from './posting-list.ts'
export {
  type BlindQuery,
  blindQuery,
  type QueriedRoom,
  type QueryMode,
  type QueryPage,
  querying,
} from './query-page.ts'
export { type MemoryLimits, RoomMemory } from './room-memory.ts'
export { Search, type SearchMeans } from './search.ts'
export {
  type Counters,
  NOTHING_YET,
  type RoomIndex,
  type RoomTerms,
  type RoomTotals,
  type TermId,
  TermNames,
  termIdsOf,
} from './terms.ts'
