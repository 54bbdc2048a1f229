// From rows to the domain's types and back. The only place in the room where text becomes a branded
// identifier again; a value outside a closed set means a damaged or newer database, which is a Fault.

import { Fault } from '../fault.ts'
import type { Wrapped } from '../kms/index.ts'
import { type Instant, instant } from '../time.ts'

/** Identifiers come back as they went in: the database holds none that a parser did not make. */
export const branded = <Id extends string>(text: string): Id => text as Id

/** A copy of its own: drivers hand out slices of larger buffers. */
export const bytes = (raw: Uint8Array): Uint8Array => new Uint8Array(raw)

export const optionalInstant = (raw: number | null): Instant | undefined =>
  raw === null ? undefined : instant(raw)

/** `{ [name]: value }`, or nothing if there is no value: an absent member, never an undefined one. */
export const optional = <Name extends string, Value>(
  name: Name,
  value: Value | null | undefined,
): { readonly [Key in Name]?: Value } =>
  // A computed name widens to string in TypeScript; the type above says what it is.
  (value === null || value === undefined ? {} : { [name]: value }) as {
    readonly [Key in Name]?: Value
  }

/** `known` is a record so that the compiler notices a value added to the type and not here. */
export const oneOf = <Known extends string>(
  known: Readonly<Record<Known, Known>>,
  raw: string,
): Known => {
  const found = Object.values<Known>(known).find((candidate) => candidate === raw)
  if (found === undefined) throw new Fault('store.unreadable')
  return found
}

interface WrappedRow {
  readonly key_encryption_key_id: string
  readonly wrapped: Uint8Array
  readonly wrap_version: number
}

export const toWrapped = (row: WrappedRow): Wrapped => ({
  keyEncryptionKeyId: row.key_encryption_key_id,
  bytes: bytes(row.wrapped),
  version: row.wrap_version,
})

export const fromWrapped = (wrapped: Wrapped): WrappedRow => ({
  key_encryption_key_id: wrapped.keyEncryptionKeyId,
  wrapped: wrapped.bytes,
  wrap_version: wrapped.version,
})

export const byUri = <Uri extends string, Item extends { readonly uri: Uri }>(
  items: readonly Item[],
): ReadonlyMap<Uri, Item> => new Map(items.map((item) => [item.uri, item]))
