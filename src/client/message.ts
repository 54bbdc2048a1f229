// Texts under a content key: compact JWE, dir with A256GCM, the key named beside the text and not in it (observed of
// real clients, which refuse other forms).

import { openDirect, sealDirect } from './jose.ts'
import type { ContentKey } from './keys.ts'

/** A text as the core may see it, and the name of the key that opens it. */
export interface SealedText {
  readonly encryptionKeyUrl: string
  readonly ciphertext: string
}

export const sealText = async (text: string, { uri, bytes }: ContentKey): Promise<SealedText> => ({
  encryptionKeyUrl: uri,
  ciphertext: await sealDirect(text, { bytes }),
})

/** Rejects `client.not-opened` if the key is another one or a byte was changed. */
export const openText = (ciphertext: string, { bytes }: ContentKey): Promise<string> =>
  openDirect(ciphertext, { bytes })
