// The RSA private key of a realm's identity, opaque outside this room. The operations on it are in
// `rsa-workers.ts`: they cost a millisecond each and never run on the event loop.

import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Fault } from '../fault.ts'
import { asBuffer } from './encoding.ts'
import type { SecretBytes } from './secret.ts'

export const RSA_MIN_BITS = 2048
export const RSA_MAX_BITS = 4096

let lastId = 0

export class RsaPrivateKey {
  /** Names the key among the worker threads; nothing outside this room needs it. */
  readonly id: number
  readonly modulusBytes: number
  readonly #handle: KeyObject

  constructor(handle: KeyObject, modulusBits: number) {
    lastId += 1
    this.id = lastId
    this.modulusBytes = Math.ceil(modulusBits / 8)
    this.#handle = handle
  }

  static handleOf(key: RsaPrivateKey): KeyObject {
    return key.#handle
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): never {
    throw new Fault('crypto.secret-serialised')
  }
}

/** An RSA key of 2048 to 4096 bits from PKCS#8 DER; throws a Fault `crypto.not-an-rsa-key`. */
export const rsaPrivateKeyFrom = (pkcs8: SecretBytes): RsaPrivateKey => {
  let handle: KeyObject
  try {
    handle = createPrivateKey({ key: asBuffer(pkcs8.expose()), format: 'der', type: 'pkcs8' })
  } catch (cause) {
    throw new Fault('crypto.not-an-rsa-key', cause)
  }
  const bits = handle.asymmetricKeyDetails?.modulusLength ?? 0
  if (handle.asymmetricKeyType !== 'rsa' || bits < RSA_MIN_BITS || bits > RSA_MAX_BITS) {
    throw new Fault('crypto.not-an-rsa-key')
  }
  return new RsaPrivateKey(handle, bits)
}
