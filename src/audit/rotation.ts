// New keys for a log, vouched for by the old ones: an entry names them, the old keys sign a checkpoint that covers the
// entry, and a C2SP tlog-proof of the two is published as `rotation/<number>`. Whoever pinned the old keys finds the new
// ones by it; keys that no such proof leads to, or that the log has taken out of use, sign nothing that is believed.

import { parseCanonical, textIn } from './canonical.ts'
import { openCheckpoint } from './checkpoint.ts'
import type { Findings } from './findings.ts'
import { decodeBase64, encodeBase64, SIGNATURE_TYPES, type VerifierKey } from './note.ts'
import { parseInclusion } from './proof.ts'
import { leafHash, rootFromInclusion, sameBytes } from './tree.ts'

/** The actions that tell what became of the keys. */
const KEY_CREATED = 'log-key.created'
const KEY_ROTATED = 'log-key.rotated'
const KEY_RETIRED = 'log-key.retired'

/** Below the log's prefix; the first one is 1. */
export const rotationPath = (number: number): string => `rotation/${number}`

type NamedKey = Pick<VerifierKey, 'publicKey'> & {
  readonly algorithm: keyof typeof SIGNATURE_TYPES
}

/** What an entry about keys says: base64 of each, by algorithm. */
export const keyDetails = (keys: readonly NamedKey[]): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map(({ algorithm, publicKey }) => [algorithm, encodeBase64(publicKey)]))

interface Told {
  readonly action?: unknown
  readonly outcome?: unknown
  readonly details?: { readonly [name: string]: unknown }
}

const keysNamedIn = (entry: Uint8Array, origin: string): readonly VerifierKey[] => {
  const told: Told = parseCanonical(textIn(entry) ?? '') ?? {}
  if (told.action !== KEY_ROTATED || told.outcome !== 'done') return []
  return Object.entries(SIGNATURE_TYPES).flatMap(([algorithm, type]) => {
    const encoded = told.details?.[algorithm]
    const publicKey = typeof encoded === 'string' ? decodeBase64(encoded) : undefined
    return publicKey === undefined ? [] : [{ name: origin, type, publicKey }]
  })
}

interface Rotation {
  /** Whom to believe from here on. */
  readonly keys: readonly VerifierKey[]
  /** The checkpoint that vouches for them, signed by the keys before. */
  readonly note: string
}

/** Undefined unless all of `trusted` have signed a checkpoint that covers an entry which names new keys. */
export const openRotation = (
  raw: string,
  trusted: readonly VerifierKey[],
): Rotation | undefined => {
  const proof = parseInclusion(raw)
  if (proof?.extra === undefined) return undefined
  const head = openCheckpoint(proof.checkpoint, trusted)
  if (typeof head === 'string' || proof.index >= head.size) return undefined
  const root = rootFromInclusion(leafHash(proof.extra), proof.index, head.size, proof.hashes)
  if (root === undefined || !sameBytes(root, head.root)) return undefined
  const keys = keysNamedIn(proof.extra, head.origin)
  return keys.length === 0 ? undefined : { keys, note: proof.checkpoint }
}

export interface Followed {
  /** Those that signed the note, if any way leads to them. */
  readonly keys: readonly VerifierKey[]
  /** Everybody who was believed on the way, those that were brought first. */
  readonly epochs: readonly (readonly VerifierKey[])[]
  /** Checkpoints that vouched on the way: the log begins with each of them, or somebody lies. */
  readonly vouchers: readonly { readonly name: string; readonly note: string }[]
}

/** From the keys that somebody brought to those that signed the note, along what is published. */
export const followRotations = (
  read: (path: string) => Uint8Array | undefined,
  brought: readonly VerifierKey[],
  note: string,
): Followed => {
  let followed: Followed = { keys: brought, epochs: [brought], vouchers: [] }
  for (let number = 1; openCheckpoint(note, followed.keys) === 'not-signed'; number++) {
    const name = rotationPath(number)
    const raw = read(name)
    if (raw === undefined) break
    const rotation = openRotation(textIn(raw) ?? '', followed.keys)
    if (rotation === undefined) continue
    followed = {
      keys: rotation.keys,
      epochs: [...followed.epochs, rotation.keys],
      vouchers: [...followed.vouchers, { name, note: rotation.note }],
    }
  }
  return followed
}

/** Do the keys that signed the newest checkpoint agree with what the log itself says of its keys? */
export class KeyHistory {
  readonly #signers: readonly string[]
  readonly #findings: Findings
  readonly #announced = new Set<unknown>()
  readonly #retired = new Map<unknown, number>()
  #isWhole = true

  constructor(signers: readonly VerifierKey[], findings: Findings) {
    this.#signers = signers.map(({ publicKey }) => encodeBase64(publicKey))
    this.#findings = findings
  }

  /** Entries that are not there may have announced any key. */
  skip(): void {
    this.#isWhole = false
  }

  add(sequence: number, body: string): void {
    // Canonical: the action comes first. Most entries are about something else.
    if (!body.startsWith('{"action":"log-key.')) return
    const { action, details = {} }: Told = parseCanonical(body) ?? {}
    if (action === KEY_CREATED) this.#announced.add(details['publicKey'])
    for (const algorithm of Object.keys(SIGNATURE_TYPES)) {
      if (action === KEY_ROTATED) this.#announced.add(details[algorithm])
      if (action === KEY_RETIRED) this.#retired.set(details[algorithm], sequence)
    }
  }

  end(): void {
    const retiredAt = this.#signers.map((key) => this.#retired.get(key)).find(Boolean)
    if (retiredAt !== undefined) {
      this.#findings.notIntact(
        'the checkpoint',
        `it is signed by a key that entry ${retiredAt} took out of use`,
        'nothing legitimate: whoever signed it has an old key',
      )
    }
    const isKnown = this.#signers.every((key) => this.#announced.has(key))
    // A log that says nothing of its keys is not one of ours; then whoever pinned them knows why.
    if (isKnown || !this.#isWhole || this.#announced.size === 0) return
    this.#findings.notIntact(
      'the checkpoint',
      'it is signed by a key of which the log does not say where it comes from: a rotation that nobody recorded',
      'nothing legitimate: whoever signed it is not who signed before',
    )
  }
}
