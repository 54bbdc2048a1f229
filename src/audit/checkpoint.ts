// Checkpoints (C2SP tlog-checkpoint): the signed head of the tree. Two signatures on one note, an Ed25519
// one over its text (type 0x01) and an ML-DSA-44 one over the statement of C2SP tlog-cosignature (type
// 0x06), which also says when. A checkpoint means nothing until a key that the reader brought verifies it.

import { type SigningKey, verifySignature } from '../crypto/index.ts'
import {
  COSIGNATURE_TYPES,
  decodeBase64,
  encodeBase64,
  formatNote,
  keyIdOf,
  type Note,
  parseNote,
  SIGNATURE_TYPES,
  utf8,
  type VerifierKey,
} from './note.ts'
import { HASH_BYTES, sameBytes } from './tree.ts'

export interface Checkpoint {
  /** Which log: a host and path without a scheme. */
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

const TEXT = /^(?<origin>[^\n]+)\n(?<size>0|[1-9]\d{0,15})\n(?<root>[^\n]+)\n(?:[^\n]+\n)*$/
const TIMESTAMP_BYTES = 8

export const formatCheckpoint = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${encodeBase64(root)}\n`

/** The first three lines of a note's text; extension lines are passed over. */
export const parseCheckpoint = (text: string): Checkpoint | undefined => {
  const { origin, size, root } = TEXT.exec(text)?.groups ?? {}
  const bytes = root === undefined ? undefined : decodeBase64(root)
  if (origin === undefined || bytes?.length !== HASH_BYTES) return undefined
  return Number.isSafeInteger(Number(size))
    ? { origin, size: Number(size), root: bytes }
    : undefined
}

export const uint64 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

const shortText = (text: string): Uint8Array => {
  const bytes = utf8.encode(text)
  return new Uint8Array([bytes.length, ...bytes])
}

/** `cosigned_message` of C2SP tlog-cosignature: what an ML-DSA-44 key signs. */
export const cosignedMessage = (
  name: string,
  seconds: number,
  { origin, size, root }: Checkpoint,
): Uint8Array =>
  Buffer.concat([
    utf8.encode('subtree/v1\n\0'),
    shortText(name),
    uint64(seconds),
    shortText(origin),
    uint64(0),
    uint64(size),
    root,
  ])

/** Signs a checkpoint with each of the keys, under the origin's name. `seconds` is POSIX time. */
export const signCheckpoint = (
  checkpoint: Checkpoint,
  keys: readonly SigningKey[],
  seconds: number,
): string => {
  const name = checkpoint.origin
  const text = formatCheckpoint(checkpoint)
  const signatures = keys.map((key) => {
    const keyId = keyIdOf(verifierKeyOf(name, key))
    if (key.algorithm === 'ed25519') return { name, keyId, signature: key.sign(utf8.encode(text)) }
    const signature = key.sign(cosignedMessage(name, seconds, checkpoint))
    return { name, keyId, signature: Buffer.concat([uint64(seconds), signature]) }
  })
  return formatNote({ text, signatures })
}

/** The public half, as auditors get it. */
export const verifierKeyOf = (
  name: string,
  { algorithm, publicKey }: Pick<SigningKey, 'algorithm' | 'publicKey'>,
): VerifierKey => ({ name, type: SIGNATURE_TYPES[algorithm], publicKey })

export type CheckpointProblem =
  | 'not-a-checkpoint'
  | 'another-log'
  | 'not-signed'
  | 'bad-signature'
  | 'unknown-key-type'

export interface VerifiedCheckpoint extends Checkpoint {
  /** When it was signed, in POSIX seconds, where a signature says so. */
  readonly signedAt?: number
}

/** `cosignature/v1`: what an Ed25519 key of a witness signs. */
export const cosignedText = (text: string, seconds: number): Uint8Array =>
  utf8.encode(`cosignature/v1\ntime ${seconds}\n${text}`)

/** Has this key, of the log or of a witness, signed the note? */
export const signatureBy = (
  key: VerifierKey,
  { text, signatures }: Note,
  checkpoint: Checkpoint,
): { readonly signedAt?: number } | CheckpointProblem => {
  const id = keyIdOf(key)
  const own = signatures.find(({ name, keyId }) => name === key.name && sameBytes(keyId, id))
  if (own === undefined) return 'not-signed'
  const { signature } = own
  if (key.type === SIGNATURE_TYPES.ed25519) {
    const isGood = verifySignature('ed25519', key.publicKey, utf8.encode(text), signature)
    return isGood ? {} : 'bad-signature'
  }
  const isClassical = key.type === COSIGNATURE_TYPES.ed25519
  if (!isClassical && key.type !== COSIGNATURE_TYPES['ml-dsa-44']) return 'unknown-key-type'
  if (signature.length <= TIMESTAMP_BYTES) return 'bad-signature'
  const signedAt = Number(Buffer.from(signature).readBigUInt64BE())
  const rest = signature.subarray(TIMESTAMP_BYTES)
  const isGood = isClassical
    ? verifySignature('ed25519', key.publicKey, cosignedText(text, signedAt), rest)
    : verifySignature(
        'ml-dsa-44',
        key.publicKey,
        cosignedMessage(key.name, signedAt, checkpoint),
        rest,
      )
  return Number.isSafeInteger(signedAt) && isGood ? { signedAt } : 'bad-signature'
}

/** The checkpoint, if every one of `keys` (at least one) has signed it; else what is wrong with it. */
export const openCheckpoint = (
  raw: string,
  keys: readonly VerifierKey[],
): VerifiedCheckpoint | CheckpointProblem => {
  const note = parseNote(raw)
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text)
  if (note === undefined || checkpoint === undefined) return 'not-a-checkpoint'
  if (keys.length === 0) return 'not-signed'
  if (keys.some(({ name }) => name !== checkpoint.origin)) return 'another-log'
  let signedAt: number | undefined
  for (const key of keys) {
    const verdict = signatureBy(key, note, checkpoint)
    if (typeof verdict === 'string') return verdict
    signedAt ??= verdict.signedAt
  }
  return signedAt === undefined ? checkpoint : { ...checkpoint, signedAt }
}
