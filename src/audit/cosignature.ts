// Cosignatures (C2SP tlog-cosignature): a witness says that a checkpoint is consistent with all that it has seen of
// this log before, and when. Ed25519 ones are of type 0x04 over the note's text, ML-DSA-44 ones of type 0x06.

import type { SigningKey } from '../crypto/index.ts'
import {
  type Checkpoint,
  cosignedMessage,
  cosignedText,
  parseCheckpoint,
  signatureBy,
  uint64,
} from './checkpoint.ts'
import {
  COSIGNATURE_TYPES,
  formatNote,
  keyIdOf,
  type Note,
  parseNote,
  type VerifierKey,
} from './note.ts'

/** The public half of a witness's key, as logs and auditors get it. */
export const witnessKeyOf = (
  name: string,
  { algorithm, publicKey }: Pick<SigningKey, 'algorithm' | 'publicKey'>,
): VerifierKey => ({ name, type: COSIGNATURE_TYPES[algorithm], publicKey })

/** The signature lines of a witness under a checkpoint; `seconds` is POSIX time. */
export const cosign = (
  text: string,
  checkpoint: Checkpoint,
  signer: { readonly name: string; readonly keys: readonly SigningKey[] },
  seconds: number,
): string => {
  const { name } = signer
  const signatures = signer.keys.map((key) => {
    const message =
      key.algorithm === 'ed25519'
        ? cosignedText(text, seconds)
        : cosignedMessage(name, seconds, checkpoint)
    const signature = Buffer.concat([uint64(seconds), key.sign(message)])
    return { name, keyId: keyIdOf(witnessKeyOf(name, key)), signature }
  })
  return formatNote({ text, signatures }).slice(text.length + 1)
}

/** When the witness co-signed, in POSIX seconds; undefined if it did not, or not this. */
export const cosignedAt = (key: VerifierKey, note: Note): number | undefined => {
  const checkpoint = parseCheckpoint(note.text)
  if (checkpoint === undefined || key.name === checkpoint.origin) return undefined
  const found = signatureBy(key, note, checkpoint)
  return typeof found === 'string' ? undefined : found.signedAt
}

/** The witness's own line among the lines that it answered, if it is good for this checkpoint. */
export const cosignatureIn = (
  lines: string,
  text: string,
  key: VerifierKey,
): { readonly line: string; readonly signedAt: number } | undefined => {
  const note = parseNote(`${text}\n${lines}`)
  if (note?.text !== text) return undefined
  const signedAt = cosignedAt(key, note)
  const id = Buffer.from(keyIdOf(key))
  const own = note.signatures.find(({ name, keyId }) => name === key.name && id.equals(keyId))
  if (signedAt === undefined || own === undefined) return undefined
  return { signedAt, line: formatNote({ text, signatures: [own] }).slice(text.length + 1) }
}
