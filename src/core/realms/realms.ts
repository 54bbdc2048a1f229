// Which realm serves whom, and what each said of itself last. Who serves an organization is decided by
// the core's settings alone; a realm's own word is only compared with them.

import type { KmsDetails, RealmState } from '../../boundary/index.ts'
import type { Surroundings } from '../ports.ts'
import type { CoreStore } from '../store/store.ts'

export interface Realm {
  readonly domain: string
  readonly organizationIds: ReadonlySet<string>
  /** Absent until the realm has connected once, in this or an earlier run. */
  readonly details?: KmsDetails
  readonly state: RealmState
}

export interface RealmSetting {
  readonly domain: string
  readonly organizationIds: readonly string[]
}

export interface Announcement {
  readonly state: RealmState
  readonly details: KmsDetails
}

export interface Realms {
  named(domain: string): Realm | undefined
  serving(organizationId: string): Realm | undefined
  /** Remembers what a realm of the settings said; details survive a restart, its state does not. */
  announce(domain: string, said: Announcement): Promise<void>
}

export const openRealms = async (
  settings: readonly RealmSetting[],
  store: CoreStore,
  { now }: Surroundings,
): Promise<Realms> => {
  const byDomain = new Map<string, Realm>()
  const domainOf = new Map<string, string>()
  const stored = new Map((await store.allRealms()).map((row) => [row.domain, row]))
  for (const { domain, organizationIds } of settings) {
    const row = stored.get(domain)
    const details = row && { kmsCluster: row.kms_cluster, rsaPublicKey: row.rsa_public_key }
    const realm = { domain, organizationIds: new Set(organizationIds), state: 'ready' } as const
    byDomain.set(domain, details === undefined ? realm : { ...realm, details })
    for (const id of organizationIds) domainOf.set(id, domain)
  }
  const named = (domain: string): Realm | undefined => byDomain.get(domain)
  return {
    named,
    serving(organizationId) {
      const domain = domainOf.get(organizationId)
      return domain === undefined ? undefined : named(domain)
    },
    async announce(domain, { state, details }) {
      const realm = named(domain)
      if (realm === undefined) return
      byDomain.set(domain, { ...realm, state, details })
      const { kmsCluster: kms_cluster, rsaPublicKey: rsa_public_key } = details
      await store.rememberRealm({ domain, kms_cluster, rsa_public_key, updated_at: now() })
    },
  }
}
