// One result of the core, before it is believed: opened under keys that the realm gives us, of the very room that it is
// said to be from, and with every word of the query really in it. Anything else is not shown.

import type { PartsFinder, Span } from '../words/index.ts'
import { ClientError, KmsRefused } from './errors.ts'
import { isJsonObject, type JsonObject, listMember, objectMember, textMember } from './json.ts'
import type { Keys } from './keys.ts'
import { openText } from './message.ts'
import type { Room } from './room.ts'

export interface HitPart {
  readonly name: 'text' | 'title' | 'file-name'
  readonly text: string
  /** What was found, as UTF-16 ranges of `text`, in order. */
  readonly ranges: readonly Span[]
}

export interface Hit {
  readonly id: string
  readonly roomId: string
  /** Of the room, as it is now. */
  readonly roomTitle: string | undefined
  readonly authorId: string
  readonly publishedAt: string
  /** The text, then names of files; or the title of a room. */
  readonly parts: readonly HitPart[]
}

/** What the searcher asked for besides words. Times in milliseconds since 1970, both included. */
export interface SearchFilter {
  readonly roomIds?: readonly string[]
  readonly senderId?: string
  readonly since?: number
  readonly until?: number
  readonly hasFile?: boolean
}

/** Why a result is not shown: it does not open for us, or is not what was asked for. */
export type SetAside = 'unreadable' | 'not-matching'

export interface Checking {
  readonly keys: Pick<Keys, 'retrieve'>
  /** From memory, or asks the core; what it answers was held against the realm. */
  readonly roomNamed: (roomId: string) => Promise<Room>
  readonly filter: SearchFilter
  /** One for each language of the rooms. */
  readonly finders: readonly PartsFinder[]
}

/** Never rejects for what the core sent. */
export const checkHit = async (raw: JsonObject, checking: Checking): Promise<Hit | SetAside> => {
  try {
    const claimed = readClaim(raw)
    if (!fits(claimed, checking.filter)) return 'not-matching'
    const texts = await openParts(claimed, checking)
    const ranges = findIn(texts, checking.finders)
    if (ranges === undefined) return 'not-matching'
    const { roomId, id, authorId, publishedAt, parts } = claimed
    return {
      ...{ id, roomId, authorId, publishedAt },
      roomTitle: (await checking.roomNamed(roomId)).title,
      parts: parts.map(({ name }, n) => ({ name, text: texts[n] ?? '', ranges: ranges[n] ?? [] })),
    }
  } catch (error) {
    if (error instanceof ClientError || error instanceof KmsRefused) return 'unreadable'
    throw error
  }
}

interface ClaimedPart {
  readonly name: HitPart['name']
  readonly sealed: string
}

interface Claim {
  readonly id: string
  readonly roomId: string
  readonly authorId: string
  readonly publishedAt: string
  readonly isShare: boolean
  readonly keyUri: string
  readonly parts: readonly ClaimedPart[]
}

function readClaim(raw: JsonObject): Claim {
  const object = objectMember(raw, 'object')
  const isTitle = object['objectType'] === 'conversation'
  // The text without its form first, as it was indexed.
  const text = isTitle ? object['displayName'] : (object['displayName'] ?? object['content'])
  const files = isJsonObject(object['files']) ? listMember(object['files'], 'items') : []
  return {
    id: textMember(raw, 'id'),
    roomId: textMember(objectMember(raw, 'target'), 'id'),
    authorId: textMember(objectMember(raw, 'actor'), 'id'),
    publishedAt: textMember(raw, 'published'),
    isShare: raw['verb'] === 'share',
    keyUri: textMember(raw, 'encryptionKeyUrl'),
    parts: [
      ...toPart(isTitle ? 'title' : 'text', text),
      ...files.flatMap(({ displayName }) => toPart('file-name', displayName)),
    ],
  }
}

function toPart(name: HitPart['name'], sealed: unknown): readonly ClaimedPart[] {
  return typeof sealed === 'string' ? [{ name, sealed }] : []
}

/** Who and when is the core's word; that it fits what it was asked is checked all the same. */
function fits(claim: Claim, { roomIds, senderId, since, until, hasFile }: SearchFilter): boolean {
  const at = Date.parse(claim.publishedAt)
  return (
    (roomIds?.includes(claim.roomId) ?? true) &&
    (senderId === undefined || senderId === claim.authorId) &&
    at >= (since ?? Number.NEGATIVE_INFINITY) &&
    at <= (until ?? Number.POSITIVE_INFINITY) &&
    (hasFile !== true || claim.isShare)
  )
}

async function openParts(claim: Claim, { keys, roomNamed }: Checking): Promise<readonly string[]> {
  const [key, room] = await Promise.all([keys.retrieve(claim.keyUri), roomNamed(claim.roomId)])
  // A key of another resource: a message of another room, under a false name.
  const isOfRoom = key.resourceUri !== undefined && key.resourceUri === room.resourceUri
  if (!isOfRoom || room.id !== claim.roomId)
    throw new ClientError('client.invalid-answer', 'kmsResourceObjectUrl')
  return await Promise.all(claim.parts.map(({ sealed }) => openText(sealed, key)))
}

function findIn(texts: readonly string[], finders: readonly PartsFinder[]) {
  for (const find of finders) {
    const ranges = find(texts)
    if (ranges !== undefined) return ranges
  }
  return undefined
}
