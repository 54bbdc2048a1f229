// The door of the room: messages become posting lists, words become queries, and the core learns neither.

export {
  type Blinded,
  blinding,
  blindMessages,
  type MessageTerms,
  type Tokenizing,
  tokenizeHere,
  tokenizeOn,
} from './blind.ts'
export { Lab, type LabMessage, type LabOptions, type LabPosting } from './lab.ts'
export { type LeakageOptions, type LeakageReport, reportLeakage } from './leakage/report.ts'
export { hexHashes } from './posting-list.ts'
export {
  type BlindQuery,
  blindQuery,
  type QueriedRoom,
  type QueryMode,
  type QueryPage,
  querying,
} from './query-page.ts'
export {
  type Counters,
  NOTHING_YET,
  type RoomIndex,
  type RoomTerms,
  type RoomTotals,
  type TermId,
  termIdsOf,
} from './terms.ts'
