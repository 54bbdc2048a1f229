// Files: sealed under a key of their own, which travels with the address in a "secure content reference" (SCR) under
// the room's key. The form is that of real clients; the realm plays no part in it beyond the room's key.

import { base64url } from 'jose'
import { ClientError } from './errors.ts'
import { openDirect, sealDirect } from './jose.ts'
import { parseJsonObject, textMember } from './json.ts'
import type { ContentKey } from './keys.ts'

/** All that opens one file. A secret until it is sealed by `sealReference`. */
export interface FileReference {
  readonly key: Uint8Array
  readonly iv: Uint8Array
  /** Authenticated with the bytes: when the file was sealed, RFC 3339. */
  readonly aad: string
  readonly tag: Uint8Array
  /** Where the ciphertext lies, once it lies somewhere. */
  readonly loc?: string
}

export interface SealedFile {
  /** For the core to keep. As long as the file. */
  readonly ciphertext: Uint8Array
  readonly reference: FileReference
}

const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const utf8 = new TextEncoder()

/** `sealedAt`: any time, usually now; it is readable to whoever can open the file. */
export const sealFile = async (content: Uint8Array, sealedAt: Date): Promise<SealedFile> => {
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES))
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const aad = sealedAt.toISOString()
  const aesKey = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt'])
  const algorithm = { name: 'AES-GCM', iv, additionalData: utf8.encode(aad) }
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, aesKey, asOwnBytes(content)))
  const end = sealed.length - TAG_BYTES
  return {
    ciphertext: sealed.subarray(0, end),
    reference: { key, iv, aad, tag: sealed.slice(end) },
  }
}

/** Rejects `client.not-opened` if a byte of file or reference is not what it was. */
export const openFile = async (
  ciphertext: Uint8Array,
  { key, iv, aad, tag }: FileReference,
): Promise<Uint8Array> => {
  const sealed = new Uint8Array(ciphertext.length + tag.length)
  sealed.set(ciphertext)
  sealed.set(tag, ciphertext.length)
  try {
    const raw = asOwnBytes(key)
    const aesKey = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt'])
    const algorithm = { name: 'AES-GCM', iv: asOwnBytes(iv), additionalData: utf8.encode(aad) }
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, aesKey, sealed))
  } catch {
    throw new ClientError('client.not-opened')
  }
}

/** The reference under the room's key: what an activity carries. Refuses one without an address. */
export const sealReference = (reference: FileReference, { bytes }: ContentKey): Promise<string> => {
  const { key, iv, aad, tag, loc } = reference
  if (loc === undefined) throw new ClientError('client.invalid-argument', 'loc')
  const record = {
    enc: 'A256GCM',
    key: base64url.encode(key),
    iv: base64url.encode(iv),
    aad,
    loc,
    tag: base64url.encode(tag),
  }
  return sealDirect(JSON.stringify(record), { bytes })
}

/** Rejects `client.not-opened`; `client.invalid-answer` for a record of another form. */
export const openReference = async (
  sealed: string,
  { bytes }: ContentKey,
): Promise<FileReference> => {
  const record = parseJsonObject(await openDirect(sealed, { bytes }))
  if (record === undefined || record['enc'] !== 'A256GCM') {
    throw new ClientError('client.invalid-answer', 'enc')
  }
  const reference = {
    key: bytesMember(record['key'], KEY_BYTES),
    iv: bytesMember(record['iv'], IV_BYTES),
    aad: textMember(record, 'aad'),
    tag: bytesMember(record['tag'], TAG_BYTES),
    loc: textMember(record, 'loc'),
  }
  return reference
}

function bytesMember(raw: unknown, length: number): Uint8Array {
  try {
    const bytes = typeof raw === 'string' ? base64url.decode(raw) : undefined
    if (bytes?.length === length) return bytes
  } catch {
    // Not base64url: as wrong as a wrong length.
  }
  throw new ClientError('client.invalid-answer', 'reference')
}

/** WebCrypto takes no view of shared memory; a copy is one for certain. */
function asOwnBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
