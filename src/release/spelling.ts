// How versions, digests and paths of a release are written. Each has one spelling, so that equal text means equal.

const VERSION = /^(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})$/
const SHA256_HEX = /^[0-9a-f]{64}$/
const PATH = /^[A-Za-z0-9@._+-]+(?:\/[A-Za-z0-9@._+-]+)*$/
const PATH_MAX_CHARS = 255

/** Three whole numbers. */
export const isVersion = (raw: unknown): raw is string =>
  typeof raw === 'string' && VERSION.test(raw)

export const isSha256Hex = (raw: unknown): raw is string =>
  typeof raw === 'string' && SHA256_HEX.test(raw)

/** A path that stays below where it begins. */
export const isPath = (raw: unknown): raw is string =>
  typeof raw === 'string' &&
  raw.length <= PATH_MAX_CHARS &&
  PATH.test(raw) &&
  raw.split('/').every((part) => part !== '.' && part !== '..')

/** Negative if `left` is the older one, 0 if they are the same. */
export const compareVersions = (left: string, right: string): number => {
  const numbers = (version: string) => version.split('.').map(Number)
  const [ours, theirs] = [numbers(left), numbers(right)]
  const differing = ours.findIndex((part, index) => part !== theirs[index])
  return differing < 0 ? 0 : (ours[differing] ?? 0) - (theirs[differing] ?? 0)
}
