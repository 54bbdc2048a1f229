// The door of config: settings become a typed object, or the appliance does not start.

export {
  type Answers,
  type CertificateAnswer,
  completeSettings,
  loadAnswers,
  parseAnswers,
} from './answers.ts'
export type { SettingRow } from './describe.ts'
export {
  settingRows,
  settingsJsonSchema,
  settingsSchemaText,
  withSettingsTable,
} from './describe.ts'
export type { SecretSource } from './fields.ts'
export { isLoopback } from './fields.ts'
export type { SettingsProblem } from './load.ts'
export {
  loadSettings,
  parseSettings,
  parseSettingsText,
  problemAt,
  SettingsError,
} from './load.ts'
export type { NamedFileCode } from './named-file.ts'
export { NamedFileError, openNamedFile, readNamedFile, readNamedText } from './named-file.ts'
export { mapPaths, type NamedPath, namedPaths } from './paths.ts'
export type { PostgresSettings } from './postgres.ts'
export type { Settings } from './schema.ts'
export type { SecretErrorCode, SecretPlace } from './secrets.ts'
export { readSecret, SecretError, secretPlace, writeSecretFile } from './secrets.ts'
