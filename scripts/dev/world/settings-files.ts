// The settings of core and realms, as their own programs read them (src/core/config.ts, src/config/schema.ts).
// Derived from the plan at every start; they name files that hold secrets and never hold one.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DevelopmentCertificates, RealmCertificates } from '../../make-dev-certs.ts'
import { CORE_CLIENT, CORE_RESOURCE, KMS_RESOURCE, REALM_CLIENT } from '../openid/resources.ts'
import { clientSecretFile } from '../openid/secrets.ts'
import type { RealmPlan, WorldPlan } from './plan.ts'

const HOST = '127.0.0.1'

export function coreSettings(plan: WorldPlan, certificates: DevelopmentCertificates): object {
  const { core, identityProvider, realms } = plan
  const { chainFile: certFile, keyFile } = certificates.core
  return {
    publicBaseUrl: core.baseUrl,
    listen: { host: HOST, port: core.port, certFile, keyFile },
    link: {
      host: HOST,
      port: core.linkPort,
      certFile,
      keyFile,
      clientCaFile: certificates.tlsCaFile,
    },
    health: { host: HOST, port: core.healthPort },
    database: { file: 'core.sqlite' },
    identity: {
      issuer: identityProvider.issuer,
      clientId: CORE_CLIENT,
      clientSecretFile: clientSecretFile(identityProvider.directory, CORE_CLIENT),
      tlsCaFile: certificates.tlsCaFile,
      audience: CORE_RESOURCE,
    },
    realms: realms.map(({ domain, id }) => ({ domain, organizationIds: [id] })),
  }
}

/** What all realms of a world share. */
export type SharedCertificates = Pick<
  DevelopmentCertificates,
  'tlsCaFile' | 'trustFolder' | 'crlFolder'
>

export interface RealmSettingsFrom {
  readonly realm: RealmPlan
  readonly plan: WorldPlan
  readonly certificates: RealmCertificates
  readonly shared: SharedCertificates
}

export function realmSettings({ realm, plan, certificates, shared }: RealmSettingsFrom): object {
  const { issuer, directory } = plan.identityProvider
  const { tlsCaFile } = shared
  const title = `${realm.name.charAt(0).toUpperCase()}${realm.name.slice(1)}`
  return {
    realm: {
      name: title,
      domain: realm.domain,
      stateDirectory: '.',
      organizations: [{ id: realm.id, name: title }],
    },
    store: { kind: 'sqlite', file: 'realm.sqlite' },
    unlock: { sealedFile: 'main-key.sealed', passphrase: { file: 'passphrase' } },
    identity: {
      issuers: [
        {
          issuer,
          audience: KMS_RESOURCE,
          organizationIds: [realm.id],
          tlsCaFile,
          introspection: {
            clientId: REALM_CLIENT,
            clientSecret: { file: clientSecretFile(directory, REALM_CLIENT) },
          },
        },
      ],
    },
    core: {
      linkUrl: plan.core.linkUrl,
      tlsCaFile,
      certificateFile: certificates.coreClient.chainFile,
      keyFile: certificates.coreClient.keyFile,
    },
    federation: { carrier: carrierSettings(certificates, shared) },
    listeners: {
      health: { host: HOST, port: realm.healthPort },
      admin: { host: HOST, port: realm.adminPort },
      log: { host: HOST, port: realm.logPort },
    },
  }
}

/** The way to peers, through the core. */
function carrierSettings(
  { peer }: RealmCertificates,
  { trustFolder, crlFolder }: SharedCertificates,
): object {
  return { certificateFile: peer.chainFile, keyFile: peer.keyFile, trustFolder, crlFolder }
}

/** Replaces the file in one step. */
export function writeJson(file: string, value: object): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
