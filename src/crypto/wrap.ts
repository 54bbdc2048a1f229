// Wrapping of stored secrets: AES-256-GCM with a random IV and the object's name and version as
// associated data, so that wrapped bytes moved to another row do not open. Synchronous on purpose: it
// runs inside transactions, which wait on nothing but the store.

import { Fault } from '../fault.ts'
import { type AesKey, IV_BYTES, openGcm, sealGcm, TAG_BYTES } from './aes.ts'
import type { Random } from './random.ts'
import { SecretBytes } from './secret.ts'

/** IV(12) ‖ ciphertext ‖ tag(16). */
export const wrap = (
  wrappingKey: AesKey,
  plaintext: Uint8Array,
  associatedData: string,
  random: Random,
): Uint8Array => {
  const iv = random.bytes(IV_BYTES)
  const { ciphertext, tag } = sealGcm(
    wrappingKey,
    { iv, associatedData: Buffer.from(associatedData, 'utf8') },
    plaintext,
  )
  const wrapped = new Uint8Array(IV_BYTES + ciphertext.length + TAG_BYTES)
  wrapped.set(iv, 0)
  wrapped.set(ciphertext, IV_BYTES)
  wrapped.set(tag, IV_BYTES + ciphertext.length)
  return wrapped
}

/**
 * Throws a Fault `crypto.unwrap-failed` if key, bytes or associated data are not those of `wrap`: that
 * is never a caller's mistake but a broken store or a broken key.
 */
export const unwrap = (
  wrappingKey: AesKey,
  wrapped: Uint8Array,
  associatedData: string,
): SecretBytes => {
  if (wrapped.length < IV_BYTES + TAG_BYTES) throw new Fault('crypto.unwrap-failed')
  const opened = openGcm(wrappingKey, {
    iv: wrapped.subarray(0, IV_BYTES),
    associatedData: Buffer.from(associatedData, 'utf8'),
    ciphertext: wrapped.subarray(IV_BYTES, wrapped.length - TAG_BYTES),
    tag: wrapped.subarray(wrapped.length - TAG_BYTES),
  })
  if (opened === undefined) throw new Fault('crypto.unwrap-failed')
  return SecretBytes.from(opened)
}
