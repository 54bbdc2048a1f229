// What `keyrealm status` says of a running realm: facts at hand, and how its log stands.

import type { ApplianceStatus } from '../admin/index.ts'
import type { Realm } from './assembly.ts'
import { VERSION } from './version.ts'
import { logStatus } from './witness-status.ts'
import { witnessKeys } from './witnessing.ts'

export const statusOf = async (
  realm: Realm,
  line: { readonly isUp: () => boolean },
  startedAt: ApplianceStatus['startedAt'],
): Promise<ApplianceStatus> => ({
  realm: { name: realm.settings.realm.name, domain: realm.kms.domain },
  version: VERSION,
  state: realm.keyring.isUnlocked ? 'ready' : 'locked',
  link: line.isUp() ? 'connected' : 'disconnected',
  store: realm.settings.store.kind,
  startedAt,
  log: await logStatus(realm, witnessKeys(realm)),
})
