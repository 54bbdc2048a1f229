// JWE with RSA-OAEP and A256GCM (RFC 7518 §4.3, §5.3): the handshake request, and nothing else. Every
// client sends RSA-OAEP with SHA-1; SHA-1's collisions do not touch OAEP (see README.md).

import { aesKeyFrom, openGcm } from './aes.ts'
import { type CompactJwe, parseCompactJwe } from './jwe.ts'
import { systemRandom } from './random.ts'
import type { RsaPrivateKey } from './rsa.ts'
import type { RsaWorkers } from './rsa-workers.ts'

const CONTENT_KEY_BYTES = 32

/**
 * The plaintext, or undefined: one answer for every failure. Rejects only with a Fault of the workers
 * (`crypto.rsa-overloaded`, `-closed`, `-thread-lost`).
 */
export const openRsaOaep = async (
  message: string | CompactJwe,
  key: RsaPrivateKey,
  workers: RsaWorkers,
): Promise<Uint8Array | undefined> => {
  const parts = typeof message === 'string' ? parseCompactJwe(message) : message
  if (parts === undefined) return undefined
  if (parts.header.alg !== 'RSA-OAEP' || parts.header.enc !== 'A256GCM') return undefined
  if (parts.encryptedKey.length !== key.modulusBytes) return undefined
  const decrypted = await workers.decryptOaep(key, parts.encryptedKey)
  // RFC 7516 §11.5: a content key that does not decrypt, or has the wrong length, is replaced by a random
  // one, so that the caller cannot tell it from a wrong tag. (Not injected: it never decides anything.)
  const contentKey =
    decrypted?.length === CONTENT_KEY_BYTES ? decrypted : systemRandom.bytes(CONTENT_KEY_BYTES)
  const opened = openGcm(aesKeyFrom(contentKey), parts)
  contentKey.fill(0)
  return opened
}
