// A sealed message → its text. First sorted by its header, which anyone may have written; then opened
// by the key that the header names. One answer for every failure to open, so that nobody learns why.

import {
  type AesKey,
  type CompactJwe,
  decodeUtf8,
  openDirect,
  openRsaOaep,
  parseCompactJwe,
  type RsaWorkers,
} from '../../crypto/index.ts'
import { type Refusal, refuse } from '../../refusal.ts'
import type { StaticIdentity } from './static-key.ts'

/** A message that says which key opens it. Nothing in it is verified at this point. */
export interface SortedMessage {
  /** `session`: under an agreed channel key. `handshake`: under the realm's static key. */
  readonly kind: 'session' | 'handshake'
  /** Printable ASCII, at most 1,024 characters; not yet known to name anything. */
  readonly kid: string
  readonly parts: CompactJwe
}

// One row per algorithm that a client may use towards a realm (RFC 7518 §4.1).
const KIND_OF_ALGORITHM: Readonly<Record<string, SortedMessage['kind']>> = {
  dir: 'session',
  'RSA-OAEP': 'handshake',
}

/** Refuses with `channel.oversized` or `channel.malformed`; costs no decryption. */
export const sortSealed = (compact: string, maxChars: number): SortedMessage | Refusal => {
  if (compact.length > maxChars) return refuse('channel.oversized')
  const parts = parseCompactJwe(compact)
  if (parts === undefined) return refuse('channel.malformed')
  const { alg, enc, kid } = parts.header
  const kind = Object.hasOwn(KIND_OF_ALGORITHM, alg) ? KIND_OF_ALGORITHM[alg] : undefined
  if (kind === undefined || enc !== 'A256GCM' || kid === undefined) {
    return refuse('channel.malformed')
  }
  return { kind, kid, parts }
}

const textOf = (payload: Uint8Array | undefined): string | Refusal => {
  const text = payload === undefined ? undefined : decodeUtf8(payload)
  return text ?? refuse('channel.not-opened')
}

/** The payload of a session message, or `channel.not-opened`. */
export const openSession = (message: SortedMessage, channelKey: AesKey): string | Refusal =>
  textOf(openDirect(message.parts, channelKey))

/**
 * The payload of a handshake, or `channel.not-opened`, or `channel.overloaded` while too many
 * handshakes wait. Rejects only with a Fault of the workers.
 */
export const openHandshake = async (
  message: SortedMessage,
  identity: StaticIdentity,
  workers: RsaWorkers,
): Promise<string | Refusal> => {
  if (workers.isFull) return refuse('channel.overloaded')
  return textOf(await openRsaOaep(message.parts, identity.privateKey, workers))
}
