// Activities as the realm's indexer is told them: what was said, under which key, and what was taken back. It opens
// nothing; whatever is no ciphertext with a key stays out.

import {
  type FeedEvent,
  isCompactJose,
  isKmsUri,
  PARTS_PER_EVENT,
  type PartName,
  SEALED_MESSAGE_MAX_CHARS,
  type SealedPart,
} from '../../boundary/index.ts'
import type { FeedRow } from '../store/store.ts'

/** The event of an activity; undefined for those that say nothing to be searched. */
export const toFeedEvent = (row: FeedRow): FeedEvent | undefined => {
  switch (row.verb) {
    case 'post':
    case 'share':
      return posted(row, row.parent_type === 'edit' ? (row.parent_id ?? row.id) : row.id, textsOf)
    // A room's first title is kept with the room alone.
    case 'create':
      return row.title === null ? undefined : posted(row, row.conversation_id, titleOf)
    case 'update':
      return posted(row, row.conversation_id, titleOf)
    case 'delete':
      return deleted(row)
    default:
      return undefined
  }
}

type Object = Readonly<Record<string, unknown>>

const isObject = (raw: unknown): raw is Object => typeof raw === 'object' && raw !== null

const objectOf = ({ object }: FeedRow): Object => {
  const raw: unknown = JSON.parse(object)
  return isObject(raw) ? raw : {}
}

const placeOf = ({ sequence, resourceUri }: FeedRow, messageId: string) => ({
  seq: sequence,
  resourceUri,
  messageId,
  // Within a message places rise with its versions.
  version: sequence,
})

const posted = (
  row: FeedRow,
  messageId: string,
  read: (row: FeedRow) => readonly SealedPart[],
): FeedEvent => ({
  kind: 'posted',
  ...placeOf(row, messageId),
  userId: row.actor_id,
  at: row.published_at,
  parts: read(row).slice(0, PARTS_PER_EVENT),
})

const deleted = (row: FeedRow): FeedEvent | undefined => {
  const { id } = objectOf(row)
  return typeof id === 'string' ? { kind: 'deleted', ...placeOf(row, id) } : undefined
}

const part = (name: PartName, keyUri: unknown, sealed: unknown): readonly SealedPart[] =>
  isKmsUri(keyUri) && isJwe(sealed) ? [{ name, keyUri, sealed }] : []

const isJwe = (raw: unknown): raw is string =>
  isCompactJose(raw, SEALED_MESSAGE_MAX_CHARS) && raw.split('.').length === 5

/** The text without its form, where there is one, and the names of files. */
const textsOf = (row: FeedRow): readonly SealedPart[] => {
  const { displayName, content, files } = objectOf(row)
  const key = row.encryption_key_url
  const items = isObject(files) && Array.isArray(files['items']) ? files['items'] : []
  return [
    ...part('text', key, displayName ?? content),
    ...items.flatMap((file: unknown) =>
      isObject(file) ? part('file-name', key, file['displayName']) : [],
    ),
  ]
}

const titleOf = (row: FeedRow): readonly SealedPart[] => {
  const { displayName } = objectOf(row)
  return row.verb === 'create'
    ? part('title', row.titleKeyUri, row.title)
    : part('title', row.encryption_key_url, displayName)
}
