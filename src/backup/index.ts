// The door of backup: what a backup is made of, written and read.

export { type About, isReadableAbout, type KeptFile } from './about.ts'
export {
  type BackupItem,
  type BackupSource,
  type ReadBackup,
  readBackup,
  writeBackup,
} from './archive.ts'
export type { Column, ColumnKind, Row, Table, Value } from './rows.ts'
export { PART_MAX_BYTES } from './tar.ts'
