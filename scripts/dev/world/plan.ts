// Where everything of a development world lies and listens: computed from two choices, the data folder and the first
// port, and from nothing else. It touches no file; every address is on loopback.
import { resolve } from 'node:path'
import { ORGANIZATIONS, type Organization } from '../people.ts'

export interface WorldChoices {
  readonly dataDirectory: string
  readonly portBase: number
}

export interface WorldPlan {
  readonly data: string
  readonly certificates: string
  readonly identityProvider: ProviderPlan
  readonly core: CorePlan
  readonly realms: readonly RealmPlan[]
}

export interface ProviderPlan {
  readonly directory: string
  readonly port: number
  readonly issuer: string
  readonly logFile: string
}

export interface CorePlan {
  readonly directory: string
  readonly configFile: string
  readonly logFile: string
  /** Clients, over HTTPS and WSS. */
  readonly port: number
  readonly baseUrl: string
  /** Realms, over WSS with client certificates. */
  readonly linkPort: number
  readonly linkUrl: string
  readonly healthPort: number
}

export interface RealmPlan extends Organization {
  /** `acme`. */
  readonly name: string
  readonly directory: string
  readonly configFile: string
  readonly logFile: string
  readonly healthPort: number
  readonly adminPort: number
  readonly logPort: number
  /** Where peers come without the core; nothing listens there unless the settings say so. */
  readonly peerPort: number
}

/** Ports from the base upwards: 0 identity provider, 1-3 core, 10-13 first realm, 20-23 second. */
export function planWorld({ dataDirectory, portBase }: WorldChoices): WorldPlan {
  const data = resolve(dataDirectory)
  return {
    data,
    certificates: `${data}/certs`,
    identityProvider: {
      directory: `${data}/identity-provider`,
      port: portBase,
      issuer: `https://127.0.0.1:${portBase}`,
      logFile: `${data}/logs/identity-provider.log`,
    },
    core: {
      directory: `${data}/core`,
      configFile: `${data}/core/core.json`,
      logFile: `${data}/logs/core.log`,
      port: portBase + 1,
      baseUrl: `https://127.0.0.1:${portBase + 1}`,
      linkPort: portBase + 2,
      linkUrl: `wss://127.0.0.1:${portBase + 2}/link`,
      healthPort: portBase + 3,
    },
    realms: ORGANIZATIONS.map((organization, index) =>
      planRealm(data, organization, portBase + 10 * (index + 1)),
    ),
  }
}

function planRealm(data: string, organization: Organization, firstPort: number): RealmPlan {
  const name = organization.realm
  return {
    ...organization,
    name,
    directory: `${data}/realms/${name}`,
    configFile: `${data}/realms/${name}/realm.json`,
    logFile: `${data}/logs/${name}.log`,
    healthPort: firstPort,
    adminPort: firstPort + 1,
    logPort: firstPort + 2,
    peerPort: firstPort + 3,
  }
}
