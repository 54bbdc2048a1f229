// What can be wrong with a release, with a code that stays, and in words for whoever must decide what to do.

export type ReleaseProblemCode = keyof typeof WORDS

export interface ReleaseProblem {
  readonly problem: ReleaseProblemCode
  /** Which file, entry or version. */
  readonly at?: string
}

const WORDS = {
  'release.no-manifest': 'there is no release manifest here: this runs from a source tree',
  'release.manifest-unreadable': 'the manifest is not one, or not in its one spelling',
  'release.signers-unreadable': 'the file of pinned signers is not one',
  'release.development-key':
    'the pinned keys are the development keys: anybody can sign with them, so they prove nothing',
  'release.not-signed': 'a signature over the manifest is missing',
  'release.unpinned-key':
    'the manifest is not signed by a pinned key: its signatures are by others, or do not hold',
  'release.half-signed':
    'only one of the two signatures (Ed25519, ML-DSA-65) over the manifest holds under the pinned keys',
  'release.log-missing': 'the release log is missing or incomplete',
  'release.log-not-signed':
    'the checkpoint of the release log is not signed by the pinned log keys',
  'release.log-altered': 'the release log does not lead to its checkpoint: entries were changed',
  'release.log-entry-unreadable': 'an entry of the release log is not one',
  'release.log-not-rising':
    'the release log holds a version that is not newer than the one before it',
  'release.not-logged': 'this manifest is not the newest release in the log',
  'release.log-forked': 'the release log is not a continuation of the one seen before',
  'release.rolled-back':
    'the release log is shorter than the one seen before: this is an older release put back',
  'release.file-missing': 'a file of the manifest is missing',
  'release.file-altered': 'a file is not what the manifest says',
  'release.file-unknown': 'a file is here that the manifest does not know',
  'release.not-a-file': 'something is here that is no regular file; a release has no links',
  'release.foreign-runtime': 'this is not run by the release’s own Node',
  'release.foreign-program': 'this was not started by the release’s own program',
  'release.foreign-options':
    'options or variables that load code, or change what it does, were there at the start',
} as const

/** `what (which)`. */
export const wordsOfProblem = ({ problem, at }: ReleaseProblem): string =>
  at === undefined ? WORDS[problem] : `${WORDS[problem]} (${at})`

export const isReleaseProblem = (value: object): value is ReleaseProblem => 'problem' in value
