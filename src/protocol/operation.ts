// What can be asked, as types: one variant per operation of draft §4.7. No parsing, no decisions.

import type { AuthId, AuthorizationUri, KeyUri, ResourceUri, SessionUri } from '../id.ts'
import type { Instant } from '../time.ts'

/** A JSON object of which nothing has been checked. */
export type RawObject = Readonly<Record<string, unknown>>

export const METHODS = ['create', 'retrieve', 'update', 'delete'] as const
export type Method = (typeof METHODS)[number]

/** Which of a resource's keys: `boundAfter` inclusive, `boundBefore` exclusive (draft §4.7.7). */
export interface KeyFilter {
  readonly boundAfter?: Instant
  readonly boundBefore?: Instant
  readonly count?: number
}

/** Roles by name; on the wire `kms://HOST/roles/NAME`. */
export type RoleName = 'participant' | 'moderator' | 'agent'

export interface NewAuthorizations {
  readonly authIds: readonly AuthId[]
  /** How many anonymous ones. */
  readonly anonymous: number
  readonly role: RoleName
  /** 0 = as long as the resource. */
  readonly ttlSeconds: number
}

/** `receive`: it has arrived; the other two: something was sealed or opened with it, at least once. */
export const RECEIPT_PURPOSES = ['receive', 'encrypt', 'decrypt'] as const
export type ReceiptPurpose = (typeof RECEIPT_PURPOSES)[number]

/** What a client says that it did with a key. */
export interface Receipt {
  readonly keyUri: KeyUri
  /** By the client's own clock. */
  readonly usedAt: Instant
  readonly purpose: ReceiptPurpose
}

export type Operation =
  | { readonly name: 'ping' }
  | { readonly name: 'create-session'; readonly rawJwk: unknown }
  | { readonly name: 'delete-session'; readonly uri: SessionUri }
  | { readonly name: 'create-keys'; readonly count: number }
  | { readonly name: 'retrieve-key'; readonly uri: KeyUri }
  | { readonly name: 'bind-key'; readonly uri: KeyUri; readonly resourceUri: ResourceUri }
  | ({
      readonly name: 'create-resource'
      readonly keyUris: readonly KeyUri[]
    } & NewAuthorizations)
  | { readonly name: 'retrieve-resource'; readonly uri: ResourceUri }
  | { readonly name: 'retrieve-keys'; readonly uri: ResourceUri; readonly filter: KeyFilter }
  | ({
      readonly name: 'create-authorizations'
      readonly resourceUri: ResourceUri
    } & NewAuthorizations)
  | {
      readonly name: 'retrieve-authorizations'
      readonly uri: ResourceUri
      readonly authId?: AuthId
    }
  | { readonly name: 'retrieve-authorization'; readonly uri: AuthorizationUri }
  | { readonly name: 'delete-authorization'; readonly uri: AuthorizationUri }
  | {
      readonly name: 'delete-authorizations'
      readonly uri: ResourceUri
      readonly authIds: readonly AuthId[]
    }
  | { readonly name: 'create-receipts'; readonly receipts: readonly Receipt[] }
  | { readonly name: 'customer-key' }

export type OperationName = Operation['name']
