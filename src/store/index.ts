// The door of `store`: SQL, and nothing but SQL; it holds wrapped bytes only.

export { concludeRefill, openRefill, openSnapshot, type RefillPlan } from './copying.ts'
export { type OpenStore, openStore } from './database.ts'
export { holdFile } from './hold.ts'
export type { Refill, Snapshot } from './row-copy.ts'
export type {
  PostgresSettings,
  PostgresTls,
  SqliteSettings,
  StoreSettings,
  Upgrading,
} from './settings.ts'
