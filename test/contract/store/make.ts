// Things to store: valid by default, one change a test.

import { randomBytes, randomUUID } from 'node:crypto'
import type { LogHead, StoredEntry } from '../../../src/audit/index.ts'
import {
  type AuthorizationUri,
  type KeyUri,
  parseClientId,
  parseOrganizationId,
  parseUserId,
  type ResourceUri,
  type SessionUri,
  type StaticKeyUri,
  type UserId,
} from '../../../src/id.ts'
import type {
  Authorization,
  BoundKey,
  KeyEncryptionKey,
  MainKey,
  Person,
  Resource,
  Session,
  StaticKey,
  StoredAnswer,
  UnboundKey,
  Wrapped,
} from '../../../src/kms/index.ts'
import { type Instant, instant } from '../../../src/time.ts'

export const HOME = 'kms://kms.acme.example'

const sure = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error('not valid')
  return value
}

/** 2026-01-01T00:00:00Z plus so many milliseconds: larger than 32 bits, as in life. */
export const at = (milliseconds: number): Instant => instant(1_767_225_600_000 + milliseconds)
export const NOW = at(1000)

export const aUserId = (): UserId => sure(parseUserId(randomUUID()))
// There is no parser of single URIs at hand that needs no host; these are what it would accept.
export const aKeyUri = () => `${HOME}/keys/${randomUUID()}` as KeyUri
export const aResourceUri = () => `${HOME}/resources/${randomUUID()}` as ResourceUri
export const anAuthorizationUri = () => `${HOME}/authorizations/${randomUUID()}` as AuthorizationUri
export const aSessionUri = () => `${HOME}/ecdhe/${randomUUID()}` as SessionUri
export const aStaticKeyUri = (number: number) => `${HOME}/statickeys/${number}` as StaticKeyUri

/** For texts that `aResourceUri` made, come back by another way. */
export const toResourceUri = (text: string) => text as ResourceUri

export const ORGANIZATION = sure(parseOrganizationId('0c0ffee0-0000-4000-8000-000000000001'))
export const OTHER_ORGANIZATION = sure(parseOrganizationId('0c0ffee0-0000-4000-8000-000000000002'))
export const CLIENT = sure(parseClientId('https://wdm.example/devices/1'))
export const OTHER_CLIENT = sure(parseClientId('https://wdm.example/devices/2'))
export const ALICE = aUserId()

const someBytes = (size: number): Uint8Array => new Uint8Array(randomBytes(size))

export const mainKey: MainKey = {
  id: 'main-1',
  organizationId: ORGANIZATION,
  createdAt: at(0),
}

export const keyEncryptionKey: KeyEncryptionKey = {
  id: 'kek-1',
  mainKeyId: mainKey.id,
  organizationId: ORGANIZATION,
  purpose: 'content',
  wrapped: someBytes(60),
  createdAt: at(0),
  wraps: 0,
}

export const wrapped = (): Wrapped => ({
  keyEncryptionKeyId: keyEncryptionKey.id,
  bytes: someBytes(60),
  version: 1,
})

export const anUnboundKey = (change: Partial<UnboundKey> = {}): UnboundKey => ({
  uri: aKeyUri(),
  organizationId: ORGANIZATION,
  createdBy: ALICE,
  clientId: CLIENT,
  createdAt: at(0),
  wrapped: wrapped(),
  state: 'unbound',
  bindBy: at(60_000),
  ...change,
})

export const bound = (
  { bindBy: _, ...key }: UnboundKey,
  resourceUri: ResourceUri,
  boundAt: Instant = NOW,
): BoundKey => ({ ...key, state: 'bound', resourceUri, boundAt })

export const aResource = (change: Partial<Resource> = {}): Resource => ({
  uri: aResourceUri(),
  organizationId: ORGANIZATION,
  createdBy: ALICE,
  createdAt: at(0),
  ...change,
})

export const anAuthorization = (
  change: Pick<Authorization, 'resourceUri'> & Partial<Authorization>,
): Authorization => ({
  uri: anAuthorizationUri(),
  authId: aUserId(),
  kind: 'user',
  role: 'participant',
  createdBy: ALICE,
  createdAt: at(0),
  ...change,
})

export const aSession = (change: Partial<Session> = {}): Session => ({
  uri: aSessionUri(),
  principalId: ALICE,
  organizationId: ORGANIZATION,
  clientId: CLIENT,
  createdAt: at(0),
  expiresAt: at(60_000),
  wrapped: wrapped(),
  ...change,
})

export const anAnswer = (
  change: Pick<StoredAnswer, 'sessionUri'> & Partial<StoredAnswer>,
): StoredAnswer => ({
  requestId: randomUUID(),
  operation: 'create /keys',
  digest: 'what else it asked',
  body: '{"status":201}',
  answeredAt: NOW,
  ...change,
})

export const aPerson = (change: Partial<Person> = {}): Person => ({
  userId: aUserId(),
  pseudonym: randomUUID(),
  firstSeenAt: NOW,
  ...change,
})

export const aStaticKey = (number: number, createdAt: Instant): StaticKey => ({
  uri: aStaticKeyUri(number),
  publicJwkJson: '{"kty":"RSA"}',
  wrapped: wrapped(),
  createdAt,
})

/** The next entries after a head. */
export const entriesAfter = (
  head: Pick<LogHead, 'sequence'>,
  count: number,
): readonly StoredEntry[] =>
  Array.from({ length: count }, (_, index) => ({
    sequence: head.sequence + 1 + index,
    body: JSON.stringify({ after: head.sequence, index }),
  }))
