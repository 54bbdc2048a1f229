// Frames that are good, for tests to change in one place.

import {
  type AnswersFrame,
  type CorePart,
  type FeedAskFrame,
  type FeedFrame,
  type FeedNewsFrame,
  type HelloFrame,
  LINK_VERSION,
  type MessagesFrame,
  type OffboardedDoneFrame,
  type OffboardedFrame,
  type PostingsDoneFrame,
  type PostingsDropFrame,
  type PostingsFrame,
  type RostersFrame,
  type SearchDeclinedFrame,
  type SearchFrame,
  type SearchHashesFrame,
  type StateFrame,
  type WithdrawFrame,
} from '../../../src/boundary/index.ts'

export const USER = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
export const JWK = {
  kty: 'RSA',
  kid: 'kms://kms.acme.example/statickeys/7214',
  n: 'sXch',
  e: 'AQAB',
  x5c: ['MIID+/=='],
}
export const DETAILS = {
  kmsCluster: 'kms://kms.acme.example',
  rsaPublicKey: JSON.stringify(JWK),
}
export const HELLO: HelloFrame = {
  type: 'hello',
  version: LINK_VERSION,
  domain: 'kms.acme.example',
  organizationIds: ['5f1d7c52-4d0e-4a57-9c8b-0a6e3b1f2ac1'],
  state: 'ready',
  details: DETAILS,
}
export const STATE: StateFrame = { type: 'state', state: 'locked', details: DETAILS }
export const MESSAGES: MessagesFrame = {
  type: 'messages',
  id: 'r-81',
  sync: false,
  httpUser: USER,
  httpDevice: 'https://core.example/wdm/api/v1/devices/5b1c',
  trackingId: 'js_1',
  kmsMessages: ['a.b.c.d.e', ''],
}
export const ANSWER = {
  n: 0,
  deliverTo: 'https://core.example/wdm/api/v1/devices/5b1c',
  kmsMessage: 'a..c.d.e',
  clear: { status: 201, resourceUri: 'kms://kms.acme.example/resources/0d9a' },
}
export const ANSWERS_PART: AnswersFrame = {
  type: 'answers',
  id: 'r-81',
  answers: [ANSWER],
  more: true,
}
export const ANSWERS: AnswersFrame = { type: 'answers', id: 'r-81', answers: [ANSWER] }
/** An operation that was applied, when nobody waits for its sealed answer any more. */
export const BARE: AnswersFrame = {
  type: 'answers',
  id: 'r-81',
  answers: [{ n: 0, clear: { status: 201, resourceUri: 'kms://kms.acme.example/resources/0d9a' } }],
}
export const PART: CorePart = {
  user: USER,
  operation: 'create-authorizations',
  resourceUri: 'kms://kms.acme.example/resources/0d9a',
  keyUris: ['kms://kms.acme.example/keys/52d1'],
  subjects: ['27d4c915-8e3a-4b0f-9d61-c5a8f47b6302', 'kms://kms.acme.example/resources/7e11'],
  anonymous: 1,
}
export const OPERATION: MessagesFrame = {
  ...MESSAGES,
  sync: true,
  kmsMessages: ['a..c.d.e'],
  part: PART,
}
export const WITHDRAW: WithdrawFrame = { type: 'withdraw', id: 'r-81' }
export const ROSTERS: RostersFrame = {
  type: 'rosters',
  rooms: [
    {
      resourceUri: 'kms://kms.acme.example/resources/0d9a',
      members: [USER],
      keyUri: 'kms://kms.acme.example/keys/52d1',
    },
    { resourceUri: 'kms://kms.acme.example/resources/7e11', members: [] },
  ],
  more: true,
}
export const OFFBOARDED: OffboardedFrame = {
  type: 'off-boarded',
  userId: USER,
  resourceUris: ['kms://kms.acme.example/resources/0d9a'],
}
export const OFFBOARDED_DONE: OffboardedDoneFrame = { type: 'off-boarded-done', userId: USER }

const PLACE = {
  resourceUri: 'kms://kms.acme.example/resources/0d9a',
  messageId: '3c9e7d15-6f02-4b8a-9a4d-e1b7c6052f38',
}
export const SEALED = 'a..c.d.e'
export const FEED_ASK: FeedAskFrame = {
  type: 'feed-ask',
  id: 'f-1',
  after: 0,
  upTo: 9,
  limit: 500,
  resourceUri: PLACE.resourceUri,
}
export const PART_OF_MESSAGE = {
  name: 'text',
  keyUri: 'kms://kms.acme.example/keys/52d1',
  sealed: SEALED,
} as const
export const POSTED = {
  kind: 'posted',
  ...PLACE,
  seq: 7,
  version: 1,
  userId: USER,
  at: 1_790_000_000_000,
  parts: [PART_OF_MESSAGE, { ...PART_OF_MESSAGE, name: 'file-name' }],
} as const
export const FEED: FeedFrame = {
  type: 'feed',
  id: 'f-1',
  events: [POSTED, { kind: 'deleted', ...PLACE, seq: 8, version: 2 }],
  upTo: 9,
  head: 12,
  more: true,
}
export const FEED_NEWS: FeedNewsFrame = { type: 'feed-news', head: 12 }
/** Two hashes in rising order: 00…00 and 01…01. */
export const RISING = btoa('\0'.repeat(10) + '\x01'.repeat(10))
export const POSTINGS: PostingsFrame = {
  type: 'postings',
  id: 'p-1',
  items: [
    { ...PLACE, revision: 3, hashes: RISING },
    { ...PLACE, revision: 4, hashes: '' },
  ],
}
export const POSTINGS_DROP: PostingsDropFrame = {
  type: 'postings-drop',
  id: 'p-2',
  resourceUri: PLACE.resourceUri,
}
export const POSTINGS_DONE: PostingsDoneFrame = { type: 'postings-done', id: 'p-1' }
export const SEARCH: SearchFrame = {
  type: 'search',
  id: 's-1',
  httpUser: USER,
  query: SEALED,
  keyUri: PART_OF_MESSAGE.keyUri,
  resourceUris: [PLACE.resourceUri],
  page: 0,
}
export const SEARCH_HASHES: SearchHashesFrame = {
  type: 'search-hashes',
  id: 's-1',
  hashes: RISING,
  more: true,
  sealed: SEALED,
}
export const SEARCH_DECLINED: SearchDeclinedFrame = {
  type: 'search-declined',
  id: 's-1',
  status: 403,
  code: 'search.unknown-key',
}
export const SEARCH_OF_REALM = [FEED_ASK, POSTINGS, POSTINGS_DROP, SEARCH_HASHES, SEARCH_DECLINED]
export const SEARCH_OF_CORE = [FEED, FEED_NEWS, POSTINGS_DONE, SEARCH]
