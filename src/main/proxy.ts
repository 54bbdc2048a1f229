// Settings of the proxy → what links take: the file read, the secret resolved.

import { readNamedText, readSecret, type Settings, secretPlace } from '../config/index.ts'
import { SecretBytes } from '../crypto/index.ts'
import type { HttpProxy } from '../links/index.ts'

/** `{ proxy }` where there is one. */
export const proxyOf = ({ proxy }: Settings): { readonly proxy?: HttpProxy } => {
  if (proxy === undefined) return {}
  const { url, except, user, password, tlsCaFile } = proxy
  const credentials =
    user === undefined || password === undefined
      ? {}
      : {
          credentials: {
            user,
            password: SecretBytes.from(readSecret(password, secretPlace(process.env))),
          },
        }
  const ca = tlsCaFile === undefined ? {} : { caPem: readNamedText(tlsCaFile) }
  return { proxy: { url, except, ...credentials, ...ca } }
}
