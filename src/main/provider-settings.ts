// Settings of the issuers → what the link to identity providers takes: files read, secrets resolved.

import { setTimeout as sleep } from 'node:timers/promises'
import { readNamedText, readSecret, type Settings, secretPlace } from '../config/index.ts'
import { SecretBytes } from '../crypto/index.ts'
import type { IdentityProviderSettings } from '../links/index.ts'
import { type Log, systemClock } from '../runtime/index.ts'
import { proxyOf } from './proxy.ts'

type Issuer = Settings['identity']['issuers'][number]
type Provider = IdentityProviderSettings['providers'][number]

const introspectionOf = ({ introspection }: Issuer): Partial<Pick<Provider, 'introspection'>> => {
  if (introspection === undefined) return {}
  const { clientId, clientSecret, endpoint } = introspection
  return {
    introspection: {
      clientId,
      clientSecret: SecretBytes.from(readSecret(clientSecret, secretPlace(process.env))),
      ...(endpoint === undefined ? {} : { endpoint }),
    },
  }
}

const providerOf = (issuer: Issuer): Provider => ({
  issuer: issuer.issuer,
  ...(issuer.tlsCaFile === undefined ? {} : { caPem: readNamedText(issuer.tlsCaFile) }),
  ...(issuer.jwksUri === undefined ? {} : { jwksUri: issuer.jwksUri }),
  ...introspectionOf(issuer),
})

export const providerSettings = (settings: Settings, log: Log): IdentityProviderSettings => ({
  providers: settings.identity.issuers.map(providerOf),
  ...proxyOf(settings),
  clock: {
    now: () => systemClock.now(),
    wait: async (duration) => {
      await sleep(duration, undefined, { ref: false })
    },
  },
  report: ({ issuer, asking, problem }) =>
    log.warn('identity-provider.problem', { issuer, asking, problem }),
})
