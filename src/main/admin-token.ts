// The admin token: made once by `keyrealm init`, kept in the state directory for its owner only.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Settings, writeSecretFile } from '../config/index.ts'
import { encodeB64u, systemRandom } from '../crypto/index.ts'

const TOKEN_BYTES = 32

export const adminTokenFile = ({ realm }: Settings): string =>
  join(realm.stateDirectory, 'admin.token')

/** Keeps the one that exists. */
export const makeAdminToken = (settings: Settings): void => {
  const file = adminTokenFile(settings)
  if (existsSync(file)) return
  writeSecretFile(file, new TextEncoder().encode(encodeB64u(systemRandom.bytes(TOKEN_BYTES))))
}
