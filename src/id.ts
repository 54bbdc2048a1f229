// Branded identifiers and their parsers: a device is never passed where a user is meant.
// Nothing is trimmed, lower-cased or repaired here; what is not exactly an identifier is refused.

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** A user id: UUID in lower case, the `sub` of the access token. */
export type UserId = Branded<'UserId'>
/** An organisation id: UUID in lower case. */
export type OrganizationId = Branded<'OrganizationId'>
/** A device URL as registered at the core; opaque to the realm. */
export type ClientId = Branded<'ClientId'>
/** `kms://HOST/keys/UUID` */
export type KeyUri = Branded<'KeyUri'>
/** `kms://HOST/resources/UUID` */
export type ResourceUri = Branded<'ResourceUri'>
/** `kms://HOST/authorizations/UUID` */
export type AuthorizationUri = Branded<'AuthorizationUri'>
/** `kms://HOST/ecdhe/UUID` */
export type SessionUri = Branded<'SessionUri'>
/** `kms://HOST/statickeys/N` */
export type StaticKeyUri = Branded<'StaticKeyUri'>
/** Whom an authorization authorises: a user, everyone of another resource, or (anonymous) itself. */
export type AuthId = UserId | ResourceUri | AuthorizationUri

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isUuid = (raw: unknown): raw is string => typeof raw === 'string' && UUID.test(raw)

export const parseUserId = (raw: unknown): UserId | undefined =>
  isUuid(raw) ? (raw as UserId) : undefined

export const parseOrganizationId = (raw: unknown): OrganizationId | undefined =>
  isUuid(raw) ? (raw as OrganizationId) : undefined

const CLIENT_ID_MAX = 1024
const PRINTABLE = /^[\x21-\x7e]+$/

/** One printable ASCII word of at most 1,024 characters; real clients send their device URL. */
export const parseClientId = (raw: unknown): ClientId | undefined =>
  typeof raw === 'string' && raw.length <= CLIENT_ID_MAX && PRINTABLE.test(raw)
    ? (raw as ClientId)
    : undefined
