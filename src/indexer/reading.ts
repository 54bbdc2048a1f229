// From an event of the feed to the words of a message: opened, cut and forgotten in one function. The text never leaves
// it, and what the core says is believed only as far as the keys confirm it.

import type { FeedEvent, PostedEvent, SealedPart } from '../boundary/index.ts'
import { type AesKey, aesKeyFrom, decodeUtf8, openDirect } from '../crypto/index.ts'
import type { KeyUri, ResourceUri } from '../id.ts'
import type { BoundKey, Keyring } from '../kms/index.ts'
import { parseKeyUri, parseResourceUri, type Uris } from '../protocol/index.ts'
import { isRefusal } from '../refusal.ts'
import { type Language, termsOf } from '../words/index.ts'

/**
 * Versions beyond it would make revisions that are no safe integers. A core may number them by the places of its whole
 * feed, all rooms together, so there must be room for all that is ever said: a thousand million.
 */
const VERSION_MOST = 2 ** 30
/** Search keys of the realm, old ones included. Beyond it, keys so far apart no longer keep neighbouring versions in order. */
const KEY_NUMBERS = 2 ** 23

/** Terms of one message that are indexed; the longest message that a core takes has fewer. */
const TERMS_MOST = 200_000

/** A part whose key has the form of a key of this realm. */
export interface KeyedPart {
  readonly keyUri: KeyUri
  readonly sealed: string
}

export interface ReadEvent {
  readonly seq: number
  readonly kind: FeedEvent['kind']
  readonly resourceUri: ResourceUri
  readonly messageId: string
  readonly version: number
  readonly parts: readonly KeyedPart[]
  /** Parts sealed under keys of other realms, which are not ours to open. */
  readonly foreignParts: number
}

const readParts = (parts: readonly SealedPart[], uris: Uris): readonly KeyedPart[] =>
  parts.flatMap(({ keyUri, sealed }) => {
    const parsed = parseKeyUri(keyUri, uris)
    return isRefusal(parsed) ? [] : [{ keyUri: parsed, sealed }]
  })

const partsOf = (event: FeedEvent): PostedEvent['parts'] =>
  event.kind === 'posted' ? event.parts : []

/** Undefined for what names nothing of this realm. */
export const readEvent = (event: FeedEvent, uris: Uris): ReadEvent | undefined => {
  const resourceUri = parseResourceUri(event.resourceUri, uris)
  if (isRefusal(resourceUri) || event.version < 0 || event.version >= VERSION_MOST) return undefined
  const { seq, kind, messageId, version } = event
  const parts = readParts(partsOf(event), uris)
  const foreignParts = partsOf(event).length - parts.length
  return { seq, kind, resourceUri, messageId, version, parts, foreignParts }
}

/** The last word on each message: what one of its later versions replaces need not be indexed. */
export const newestVersions = (events: readonly ReadEvent[]): readonly ReadEvent[] => {
  const newest = new Map<string, ReadEvent>()
  for (const event of events) {
    const name = `${event.resourceUri} ${event.messageId}`
    const known = newest.get(name)
    if (known === undefined || known.version < event.version) newest.set(name, event)
  }
  return [...newest.values()]
}

/**
 * Rises with each version of a message, and within a version with each new key of its room: an older version that comes
 * late, or the same one again, never takes the place of what the core has.
 */
export const revisionOf = (version: number, searchKeyId: number): number =>
  version * KEY_NUMBERS + searchKeyId

export interface Opened {
  readonly terms: readonly string[]
  /** Parts that did not open, or are no text. */
  readonly unread: number
}

/** A key of those given, opened; undefined for any other. Throws a Fault if it does not open. */
export type OpenKey = (uri: KeyUri) => AesKey | undefined

/**
 * Opens each key once, since most messages of a room are sealed under the same. To be dropped before anybody else gets
 * the thread: a key opened earlier would outlast a lock.
 */
export const openingKeys = (
  keys: ReadonlyMap<KeyUri, BoundKey>,
  keyring: Pick<Keyring, 'unwrap'>,
): OpenKey => {
  const opened = new Map<KeyUri, AesKey>()
  return (uri) => {
    const known = opened.get(uri)
    const key = keys.get(uri)
    if (known !== undefined || key === undefined) return known
    const secret = keyring.unwrap(key.uri, key.wrapped)
    const made = aesKeyFrom(secret)
    secret.wipe()
    opened.set(uri, made)
    return made
  }
}

/** The distinct terms of all parts that open under the keys given. Throws a Fault if a key itself does not open. */
export const openMessage = (
  parts: readonly KeyedPart[],
  keyOf: OpenKey,
  language: Language,
): Opened => {
  const found: (readonly string[])[] = []
  let unread = 0
  for (const { keyUri, sealed } of parts) {
    const key = keyOf(keyUri)
    const bytes = key === undefined ? undefined : openDirect(sealed, key)
    const text = bytes === undefined ? undefined : decodeUtf8(bytes)
    bytes?.fill(0)
    if (text === undefined) unread += 1
    else found.push(termsOf(text, language))
  }
  // Those of one part, as most messages have, are distinct already.
  const [first = []] = found
  const terms = found.length > 1 ? [...new Set(found.flat())] : first
  return { terms: terms.slice(0, TERMS_MOST), unread }
}
