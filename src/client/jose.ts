// The four forms of sealed text that the protocol knows, by jose and with fixed algorithms: to the realm (RSA-OAEP),
// signed by the realm (PS256), under a session, under a content key (both dir). Anything else does not open.

import {
  CompactEncrypt,
  compactDecrypt,
  compactVerify,
  decodeProtectedHeader,
  type JWK,
} from 'jose'
import { ClientError } from './errors.ts'
import { type JsonObject, parseJsonObject } from './json.ts'

/** The realm's static key, after its certificate proved it. */
export interface StaticKey {
  /** `kms://HOST/statickeys/N` */
  readonly kid: string
  readonly jwk: JWK
}

/** `kid` is named in the header of session messages, and not in those of content. */
export interface DirectKey {
  readonly bytes: Uint8Array
  readonly kid?: string
}

const utf8 = new TextEncoder()
const A256GCM = ['A256GCM']

/** Draft §4.7.1: only the realm can read it. RSA-OAEP (SHA-1) is what the protocol fixes. */
export const sealToRealm = (payload: JsonObject, { kid, jwk }: StaticKey): Promise<string> =>
  new CompactEncrypt(utf8.encode(JSON.stringify(payload)))
    .setProtectedHeader({ enc: 'A256GCM', alg: 'RSA-OAEP', kid })
    .encrypt({ ...jwk, alg: 'RSA-OAEP' })

/** What the realm signed, if its static key made the signature and is named by it. */
export const openSigned = async (compact: string, { kid, jwk }: StaticKey): Promise<JsonObject> => {
  try {
    const key = { ...jwk, alg: 'PS256' }
    const { payload, protectedHeader } = await compactVerify(compact, key, {
      algorithms: ['PS256'],
    })
    const object = parseJsonObject(decode(payload))
    if (protectedHeader.kid === kid && object !== undefined) return object
  } catch {
    // One answer for every way of not holding.
  }
  throw new ClientError('client.invalid-answer', 'signature')
}

/** `cty`: what the text is, where that is not just a text. */
export const sealDirect = (
  text: string,
  { bytes, kid }: DirectKey,
  cty?: 'application/json',
): Promise<string> =>
  new CompactEncrypt(utf8.encode(text))
    .setProtectedHeader({
      enc: 'A256GCM',
      alg: 'dir',
      ...(kid === undefined ? {} : { kid }),
      ...(cty === undefined ? {} : { cty }),
    })
    .encrypt(bytes)

/** Rejects `client.not-opened`, also for a compressed text and for another `kid` than the key's. */
export const openDirect = async (compact: string, { bytes, kid }: DirectKey): Promise<string> => {
  try {
    if ('zip' in decodeProtectedHeader(compact)) throw new ClientError('client.not-opened')
    const { plaintext, protectedHeader } = await compactDecrypt(compact, bytes, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: A256GCM,
    })
    if (kid === undefined || protectedHeader.kid === kid) return decode(plaintext)
  } catch {
    // As above.
  }
  throw new ClientError('client.not-opened')
}

/** The `kid` that a text names, unverified: good for finding a key. */
export const peekKid = (compact: string): string | undefined => {
  try {
    const { kid } = decodeProtectedHeader(compact)
    return typeof kid === 'string' ? kid : undefined
  } catch {
    return undefined
  }
}

/** Three parts: signed. Five: encrypted. */
export const isSigned = (compact: string): boolean => compact.split('.', 4).length === 3

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}
