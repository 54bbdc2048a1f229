// Joins the corridor: channels, static keys, who vouches for people, and the group commit.

import { createRsaWorkers, type RsaWorkers, systemRandom } from '../crypto/index.ts'
import { parseOrganizationId } from '../id.ts'
import { type Authenticator, createAuthenticator, type TrustedIssuer } from '../identity/index.ts'
import {
  Bearers,
  Channels,
  Committer,
  type Corridor,
  createCorridor,
  createPeerDesk,
  type ForeignHome,
  type PeerDesk,
  People,
  StaticKeys,
} from '../kms/index.ts'
import { createIdentityProvider, type IdentityProviderLink } from '../links/index.ts'
import { urisOf } from '../protocol/index.ts'
import type { Log } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import type { Realm } from './assembly.ts'
import { providerSettings } from './provider-settings.ts'

export interface JoinedCorridor {
  readonly corridor: Corridor
  /** The same for peers. */
  readonly desk: PeerDesk
  readonly channels: Channels
  readonly staticKeys: StaticKeys
  readonly people: People
  /** Forgets what was verified before, so that the next request asks the provider again. */
  renewIdentity(): void
  close(): Promise<void>
}

const trustedIssuers = ({ settings, kms }: Realm): readonly TrustedIssuer[] =>
  settings.identity.issuers.map((issuer) => ({
    issuer: issuer.issuer,
    audience: issuer.audience,
    organizationClaim: issuer.claims.organization,
    rolesClaim: issuer.claims.roles,
    organizationIds: new Set(
      issuer.organizationIds?.flatMap((id) => parseOrganizationId(id) ?? []) ?? kms.organizations,
    ),
    introspects: issuer.introspection !== undefined,
    clockSkew: seconds(issuer.clockSkewSeconds),
  }))

interface Identity {
  readonly provider: IdentityProviderLink
  readonly authenticator: Authenticator
}

const joinIdentity = (realm: Realm, bearers: Bearers, log: Log): Identity => {
  const { settings, now } = realm
  const provider = createIdentityProvider(providerSettings(settings, log))
  const authenticator = createAuthenticator({
    issuers: trustedIssuers(realm),
    provider,
    now,
    bearers,
    cacheFor: seconds(settings.identity.cacheForSeconds),
  })
  return { provider, authenticator }
}

export const joinCorridor = (
  realm: Realm,
  log: Log,
  onFault: (fault: unknown, trackingId: string) => void,
  foreign?: ForeignHome,
): JoinedCorridor => {
  const { kms, keyring, store, ledger, now } = realm
  const uris = urisOf(kms.domain)
  const workers: RsaWorkers = createRsaWorkers({ threads: realm.settings.rsa.threads })
  const bearers = new Bearers(uris, keyring, now)
  const staticKeys = new StaticKeys(store, keyring, workers)
  const channels = new Channels(store, keyring, kms.sessionGrace, kms.liveChannels)
  const means = {
    ...{ settings: kms, uris, random: systemRandom, keyring },
    ...(foreign === undefined ? {} : { foreign }),
  }
  const people = new People(systemRandom)
  const committer = new Committer(ledger, { means, people })
  let identity = joinIdentity(realm, bearers, log)
  const corridor = createCorridor({
    ...means,
    sealedMessageMaxChars: kms.sealedMessageMaxChars,
    channels,
    staticKeys,
    workers,
    bearers,
    committer,
    now,
    onFault,
    authenticator: { authenticate: (...asked) => identity.authenticator.authenticate(...asked) },
  })
  return {
    corridor,
    desk: createPeerDesk({ ...means, bearers, committer, now, onFault }),
    channels,
    staticKeys,
    people,
    renewIdentity: () => {
      identity.provider.close()
      identity = joinIdentity(realm, bearers, log)
    },
    close: async () => {
      identity.provider.close()
      await workers.close()
    },
  }
}
