// AES-256-GCM, and nothing else: 96-bit IV, 128-bit tag. The only file that touches an AES key's handle.
// Keys are KeyObjects made once: with raw bytes OpenSSL sets the key up again each time, four times slower.

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { Fault } from '../fault.ts'
import { SecretBytes } from './secret.ts'

export const IV_BYTES = 12
export const TAG_BYTES = 16
const KEY_BYTES = 32
const CIPHER = 'aes-256-gcm'

/** A ready AES-256 key: cannot be printed, exported or sent to another thread. */
export class AesKey {
  readonly #handle: KeyObject

  constructor(handle: KeyObject) {
    this.#handle = handle
  }

  static handleOf(key: AesKey): KeyObject {
    return key.#handle
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): never {
    throw new Fault('crypto.secret-serialised')
  }
}

/** Copies the 32 bytes; the caller may wipe its own. Throws a Fault `crypto.wrong-key-length`. */
export const aesKeyFrom = (secret: SecretBytes | Uint8Array): AesKey => {
  const bytes = secret instanceof SecretBytes ? secret.expose() : secret
  if (bytes.length !== KEY_BYTES) throw new Fault('crypto.wrong-key-length')
  return new AesKey(createSecretKey(bytes))
}

export interface Sealed {
  readonly ciphertext: Buffer
  readonly tag: Buffer
}

export interface GcmInput {
  /** 12 bytes, never used twice with one key. */
  readonly iv: Uint8Array
  readonly associatedData: Uint8Array
}

export const sealGcm = (key: AesKey, input: GcmInput, plaintext: string | Uint8Array): Sealed => {
  const cipher = createCipheriv(CIPHER, AesKey.handleOf(key), input.iv)
  cipher.setAAD(input.associatedData)
  const ciphertext =
    typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext)
  cipher.final()
  return { ciphertext, tag: cipher.getAuthTag() }
}

export interface GcmSealedInput extends GcmInput {
  readonly ciphertext: Uint8Array
  readonly tag: Uint8Array
}

/** The plaintext, or undefined if anything at all was changed or has the wrong length. */
export const openGcm = (key: AesKey, input: GcmSealedInput): Buffer | undefined => {
  if (input.iv.length !== IV_BYTES || input.tag.length !== TAG_BYTES) return undefined
  const decipher = createDecipheriv(CIPHER, AesKey.handleOf(key), input.iv, {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(input.associatedData)
  decipher.setAuthTag(input.tag)
  const plaintext = decipher.update(input.ciphertext)
  try {
    decipher.final()
  } catch {
    // Not authentic: the bytes above must not be seen by anyone.
    plaintext.fill(0)
    return undefined
  }
  return plaintext
}
