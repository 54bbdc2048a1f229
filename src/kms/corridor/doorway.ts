// The two ends of the corridor: a sealed message is opened, its answer is sealed, by the session's key
// or, for a handshake, by the static key. Nothing opened here has been verified to be anybody's.

import type { Random, RsaWorkers } from '../../crypto/index.ts'
import type { SessionUri } from '../../id.ts'
import {
  openHandshake,
  openSession,
  parseTarget,
  type SortedMessage,
  type StaticIdentity,
  sealAnswer,
  signAnswer,
  sortSealed,
  type Uris,
} from '../../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { isLockedFault, type Keyring } from '../keyring/keyring.ts'
import type { StaticKeys } from '../keyring/static-keys.ts'
import type { Channels, LiveChannel } from './channels.ts'

export type OpenChannel =
  | { readonly kind: 'session'; readonly live: LiveChannel }
  | { readonly kind: 'handshake'; readonly identity: StaticIdentity }

export interface Opened {
  readonly channel: OpenChannel
  readonly text: string
}

export interface Unopened {
  readonly refusal: Refusal
  readonly sessionUri?: SessionUri
  /** A session message that no channel opens may be answered by the reset; noise may not. */
  readonly mayReset: boolean
}

export interface DoorwayParts {
  readonly uris: Uris
  readonly channels: Channels
  readonly staticKeys: StaticKeys
  readonly keyring: Keyring
  readonly workers: RsaWorkers
  readonly random: Random
  readonly sealedMessageMaxChars: number
}

const openInSession = async (
  parts: DoorwayParts,
  message: SortedMessage,
  now: Instant,
): Promise<Opened | Unopened> => {
  const target = parseTarget(message.kid, parts.uris)
  if (isRefusal(target) || target.kind !== 'session') {
    return { refusal: refuse('channel.unknown-session'), mayReset: true }
  }
  const sessionUri = target.uri
  const live = await parts.channels.find(sessionUri, now)
  if (isRefusal(live)) return { refusal: live, sessionUri, mayReset: true }
  const text = openSession(message, live.key)
  return isRefusal(text)
    ? { refusal: text, sessionUri, mayReset: true }
    : { channel: { kind: 'session', live }, text }
}

const openByStaticKey = async (
  parts: DoorwayParts,
  message: SortedMessage,
): Promise<Opened | Unopened> => {
  const identity = parts.staticKeys.find(message.kid)
  if (identity === undefined) {
    return { refusal: refuse('channel.unknown-static-key'), mayReset: false }
  }
  const text = await openHandshake(message, identity, parts.workers)
  return isRefusal(text)
    ? { refusal: text, mayReset: false }
    : { channel: { kind: 'handshake', identity }, text }
}

export const open = async (
  parts: DoorwayParts,
  compact: string,
  now: Instant,
): Promise<Opened | Unopened> => {
  const message = sortSealed(compact, parts.sealedMessageMaxChars)
  if (isRefusal(message)) return { refusal: message, mayReset: false }
  if (!parts.keyring.isUnlocked) return LOCKED
  try {
    return message.kind === 'session'
      ? await openInSession(parts, message, now)
      : await openByStaticKey(parts, message)
  } catch (fault) {
    if (isLockedFault(fault)) return LOCKED
    throw fault
  }
}

/** No reset: the session lives, and will open again. */
const LOCKED: Unopened = { refusal: refuse('kms.locked'), mayReset: false }

export const isOpened = (opened: Opened | Unopened): opened is Opened => 'channel' in opened

export const seal = (
  parts: DoorwayParts,
  channel: OpenChannel,
  answerJson: string,
): string | Promise<string> =>
  channel.kind === 'session'
    ? sealAnswer(answerJson, channel.live.key, channel.live.header, parts.random)
    : signAnswer(answerJson, channel.identity, parts.workers)
