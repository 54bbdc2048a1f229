// The door of release: what a release is, who signed it, and whether what lies here is one.

export { type FoundFile, judgeFiles } from './files.ts'
export {
  encodeReleaseEntry,
  parseReleaseEntry,
  type ReadReleaseLog,
  type ReleaseEntry,
  readReleaseLog,
} from './log.ts'
export {
  EVIDENCE,
  encodeManifest,
  MANIFEST_FORMAT,
  type Manifest,
  type ManifestFile,
  parseManifest,
} from './manifest.ts'
export {
  isReleaseProblem,
  type ReleaseProblem,
  type ReleaseProblemCode,
  wordsOfProblem,
} from './problems.ts'
export {
  encodeSigners,
  isDevelopment,
  parseSigners,
  pinnedSigners,
  type Signer,
} from './signers.ts'
export { compareVersions, isPath, isVersion } from './spelling.ts'
export { EVIDENCE_FILES, type VerifiedRelease, verifyRelease } from './verify.ts'
