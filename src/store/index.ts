// The door of `store`: SQL, and nothing but SQL; it holds wrapped bytes only.

export { type OpenStore, openStore } from './database.ts'
export type {
  PostgresSettings,
  PostgresTls,
  SqliteSettings,
  StoreSettings,
} from './settings.ts'
