// Files for recovery recipients in the age format (C2SP age v1: X25519, or ML-KEM-768 with X25519 against those who
// record today and compute tomorrow). It refuses to mix the two: the file would be as weak as the weaker one.

import {
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption'
import { Fault } from '../fault.ts'
import { SecretBytes } from './secret.ts'

export interface RecoveryKey {
  /** `AGE-SECRET-KEY-…`, ASCII. The caller owns and wipes it. */
  readonly identity: SecretBytes
  /** `age1…`, public. */
  readonly recipient: string
}

/** Each a public key of whoever may open the file. */
export type Recipients = readonly [string, ...string[]]

const HYBRID = 'age1pq1'
const CLASSICAL = /^age1[02-9ac-hj-np-z]{58}$/
const INTRO = 'age-encryption.org/v1\n'
const utf8 = new TextEncoder()

const textOf = (secret: SecretBytes): string => new TextDecoder().decode(secret.expose()).trim()

const isPostQuantum = (recipient: string): boolean => recipient.startsWith(HYBRID)

/** Is this a public key that a file can be sealed for? Only the two kinds with keys of their own in software. */
export const isRecipient = (raw: string): boolean => {
  if (!isPostQuantum(raw) && !CLASSICAL.test(raw)) return false
  try {
    new Encrypter().addRecipient(raw)
    return true
  } catch {
    return false
  }
}

/** True unless some of them are post-quantum and others are not. */
export const areAlike = (recipients: Recipients): boolean =>
  new Set(recipients.map(isPostQuantum)).size === 1

/** A fresh recovery key; `x25519` for tools that know no post-quantum recipients. */
export const generateRecoveryKey = async (kind: 'hybrid' | 'x25519'): Promise<RecoveryKey> => {
  const identity = await (kind === 'hybrid' ? generateHybridIdentity() : generateX25519Identity())
  const recipient = await identityToRecipient(identity)
  return { identity: SecretBytes.from(utf8.encode(identity)), recipient }
}

/** Seals a stream, chunk by chunk. Throws a Fault `crypto.recipients` for recipients that `isRecipient` refuses or that are mixed. */
export async function* sealForRecipients(
  recipients: Recipients,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (!recipients.every(isRecipient) || !areAlike(recipients)) throw new Fault('crypto.recipients')
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  yield* await encrypter.encrypt(ReadableStream.from(source))
}

/** Opens a stream, chunk by chunk: what is yielded is authentic, and the end is only reached if it is the true one. */
export async function* openWithRecoveryKey(
  identity: SecretBytes,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const decrypter = decrypterWith(identity)
  const opened = await openHead(decrypter, source)
  try {
    yield* opened
  } catch (error) {
    throw error instanceof Fault ? error : new Fault('crypto.age-damaged', error)
  }
}

const decrypterWith = (identity: SecretBytes): Decrypter => {
  const decrypter = new Decrypter()
  try {
    for (const line of textOf(identity).split('\n')) {
      const key = line.trim()
      // `age-keygen` writes comments around the key.
      if (key !== '' && !key.startsWith('#')) decrypter.addIdentity(key)
    }
  } catch {
    // The library's words may quote the key.
    throw new Fault('crypto.not-a-recovery-key')
  }
  return decrypter
}

/** What is known of a file while the library reads its head. */
interface Head {
  isAge: boolean
  /** Why no more of it came; nothing that the file says. */
  broken?: unknown
}

const openHead = async (
  decrypter: Decrypter,
  source: AsyncIterable<Uint8Array>,
): Promise<AsyncIterable<Uint8Array>> => {
  const head: Head = { isAge: false }
  try {
    return await decrypter.decrypt(ReadableStream.from(withSoundHead(whole(source, head), head)))
  } catch (error) {
    if (head.broken !== undefined) throw head.broken
    throw new Fault(head.isAge ? 'crypto.age-not-for-this-key' : 'crypto.not-an-age-file', error)
  }
}

async function* whole(source: AsyncIterable<Uint8Array>, head: Head) {
  try {
    yield* source
  } catch (error) {
    head.broken = error
    throw error
  }
}

/** Hundreds of recipients. The library gathers a head until it ends, however long that takes. */
const HEAD_MAX_BYTES = 1024 * 1024
/** The last line of the head. */
const HEAD_END = '\n--- '

/** Ends at once what does not begin like an age file, or begins without end. */
async function* withSoundHead(source: AsyncIterable<Uint8Array>, head: Head) {
  let begun = ''
  let isOver = false
  for await (const chunk of source) {
    if (!isOver) {
      begun += Buffer.from(chunk).toString('latin1')
      head.isAge = begun.startsWith(INTRO)
      const canBecomeAge = INTRO.startsWith(begun.slice(0, INTRO.length))
      isOver = begun.includes(HEAD_END)
      if (!canBecomeAge || (!isOver && begun.length > HEAD_MAX_BYTES)) throw new RangeError('head')
    }
    yield chunk
  }
}
