// Who may sign releases: the file of public keys that an operator pins. A signer has an Ed25519 and an ML-DSA-65 key
// for manifests, and the keys of the log in which its releases stand. The development signer is nobody.

import { formatVkey, parseVkey, type VerifierKey } from '../audit/index.ts'
import { decodeB64u, encodeB64u, sha256Hex } from '../crypto/index.ts'
import type { ReleaseProblem } from './problems.ts'

const SIGNERS_FORMAT = 'keyrealm-release-signers/v1'

export interface Signer {
  /** What people call it; also the origin of its log. */
  readonly name: string
  /** Raw public keys: 32 and 1952 bytes. */
  readonly ed25519: Uint8Array
  readonly mlDsa65: Uint8Array
  /** Keys of its log; every one of them must have signed a checkpoint. */
  readonly log: readonly VerifierKey[]
}

/**
 * Builds without keys are signed by these four, whose private halves anybody can compute: such signatures prove nothing.
 * Each is refused wherever keys are pinned, under whatever name and beside whatever other keys. SHA-256 of the raw keys.
 */
const DEVELOPMENT_KEYS: ReadonlySet<string> = new Set([
  'b6aeb72623cf0331153f4d3b009b7686b366d834a9f5296e88fdccf7d3c5d47d',
  '75c5bc7149ff4eba08efc9b8272bd64fcb22d1986c5924d6dd94284b3fab915b',
  '48dccc9ab78fc00621be122d2d5ae85be37e4011629f29a3a18b14cab74c1eac',
  '00a422b70ddd23980ca9c1346fa869275601f7b2cb44134ab1aec9ecf1bfdadf',
])

const NAME = /^[A-Za-z0-9./-]{1,100}$/
const ED25519_BYTES = 32
const ML_DSA_65_BYTES = 1952

export const encodeSigners = (signers: readonly Signer[]): string =>
  `${JSON.stringify(
    {
      format: SIGNERS_FORMAT,
      signers: signers.map(({ name, ed25519, mlDsa65, log }) => ({
        name,
        ed25519: encodeB64u(ed25519),
        mlDsa65: encodeB64u(mlDsa65),
        log: log.map(formatVkey),
      })),
    },
    null,
    2,
  )}\n`

const membersOf = (raw: unknown): Partial<Record<string, unknown>> =>
  typeof raw === 'object' && raw !== null ? { ...raw } : {}

const keyOf = (raw: unknown, bytes: number): Uint8Array | undefined => {
  const key = typeof raw === 'string' ? decodeB64u(raw) : undefined
  return key?.length === bytes ? key : undefined
}

const vkeysOf = (raw: unknown, name: string): readonly VerifierKey[] | undefined => {
  if (!Array.isArray(raw) || raw.length === 0) return undefined
  const keys = raw.flatMap((one) => (typeof one === 'string' ? (parseVkey(one) ?? []) : []))
  return keys.length === raw.length && keys.every((key) => key.name === name) ? keys : undefined
}

const signerOf = (raw: unknown): Signer | undefined => {
  const members = membersOf(raw)
  const { name } = members
  if (typeof name !== 'string' || !NAME.test(name)) return undefined
  const ed25519 = keyOf(members['ed25519'], ED25519_BYTES)
  const mlDsa65 = keyOf(members['mlDsa65'], ML_DSA_65_BYTES)
  const log = vkeysOf(members['log'], name)
  return ed25519 && mlDsa65 && log ? { name, ed25519, mlDsa65, log } : undefined
}

const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const isDevelopment = ({ ed25519, mlDsa65, log }: Signer): boolean =>
  [ed25519, mlDsa65, ...log.map(({ publicKey }) => publicKey)].some((key) =>
    DEVELOPMENT_KEYS.has(sha256Hex(key)),
  )

const withoutSpaces = (text: string): string => text.replaceAll(/\s/g, '')

/**
 * Every signer of the file, whoever it is; undefined unless all of it is understood. Only blanks and line ends are the
 * editor's: a member twice would be one key for the reader and another one for the program.
 */
export const parseSigners = (text: string): readonly Signer[] | undefined => {
  const { signers } = membersOf(readJson(text))
  if (!Array.isArray(signers) || signers.length === 0) return undefined
  const parsed = signers.flatMap((one) => signerOf(one) ?? [])
  return withoutSpaces(encodeSigners(parsed)) === withoutSpaces(text) ? parsed : undefined
}

/** The signers that may be believed: `release.signers-unreadable`, `release.development-key`. */
export const pinnedSigners = (text: string): readonly Signer[] | ReleaseProblem => {
  const signers = parseSigners(text)
  if (signers === undefined) return { problem: 'release.signers-unreadable' }
  return signers.some(isDevelopment) ? { problem: 'release.development-key' } : signers
}
