// An answer before it is revealed: everything but key material, which is still wrapped here. This
// form can be stored; the revealed one never is.

import type { AuthorizationUri, KeyUri, ResourceUri } from '../../id.ts'
import type { Instant } from '../../time.ts'
import type { Key } from '../key.ts'

/** Which anonymous authorizations get a bearer token when the answer is revealed. */
export interface BearerOrder {
  readonly uri: AuthorizationUri
  readonly resourceUri: ResourceUri
  readonly issuedAt: Instant
  readonly expiresAt?: Instant
}

export interface Answer {
  readonly status: number
  /** Members beside `status` and `requestId` that hold no secret. */
  readonly members: Readonly<Record<string, unknown>>
  /** Keys to be unwrapped into the member of that name. */
  readonly keys?: { readonly member: 'key' | 'keys'; readonly list: readonly Key[] }
  readonly bearers?: readonly BearerOrder[]
  /** Authorizations that it made, for the audit entry. */
  readonly made?: readonly AuthorizationUri[]
  /** What the core may learn where its own operation waits for this answer. */
  readonly resourceUri?: ResourceUri
}

interface StoredForm {
  readonly status: number
  readonly members: Readonly<Record<string, unknown>>
  readonly keys?: { readonly member: 'key' | 'keys'; readonly uris: readonly KeyUri[] }
  readonly bearers?: readonly BearerOrder[]
  readonly resourceUri?: ResourceUri
}

export const toStored = (answer: Answer): string => {
  const { keys, made: _made, ...rest } = answer
  const form: StoredForm =
    keys === undefined
      ? rest
      : { ...rest, keys: { member: keys.member, uris: keys.list.map((key) => key.uri) } }
  return JSON.stringify(form)
}

/** Written by `toStored` and read back from our own store: not parsed as foreign input. */
export const fromStored = (body: string): StoredForm => JSON.parse(body) as StoredForm
