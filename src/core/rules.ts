// From settings to what the parts want to know: certificates are read, limits become rules.

import { readFileSync } from 'node:fs'
import { Agent, type ServerOptions } from 'node:https'
import { milliseconds } from '../time.ts'
import type { CoreSettings } from './config.ts'
import { readSecret } from './config.ts'
import type { MailboxRules } from './devices/mailboxes.ts'
import type { Provider } from './http/introspection.ts'
import type { OperationRules } from './operations/operations.ts'
import type { Realms } from './realms/realms.ts'
import type { RelayRules } from './realms/relay.ts'
import type { PostingsRules } from './search/postings.ts'
import type { QueryRules } from './search/queries.ts'
import type { PostingsSettings } from './store/postings.ts'
import type { StreamRules } from './streams/relay.ts'

const MIN_VERSION = 'TLSv1.2'
const HANDSHAKE_WITHIN_MS = 10_000

interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** TLS of either port. Connections that do not finish their handshake in time are cut. */
export const tlsOf = ({ certFile, keyFile }: CertificateFiles): ServerOptions => ({
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
  minVersion: MIN_VERSION,
  handshakeTimeout: HANDSHAKE_WITHIN_MS,
})

/** What keeps a slow or chatty client from holding an HTTP connection for ever. */
export const httpServerOptions = ({ listen, limits }: CoreSettings): ServerOptions => ({
  ...tlsOf(listen),
  headersTimeout: limits.headersWithinMs,
  requestTimeout: limits.headersWithinMs + limits.bodyWithinMs + 1000,
  connectionsCheckingInterval: 1000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16_384,
})

export const linkServerOptions = ({ link, limits }: CoreSettings): ServerOptions => ({
  ...tlsOf(link),
  ca: readFileSync(link.clientCaFile),
  headersTimeout: limits.headersWithinMs,
  requestTimeout: limits.headersWithinMs + 1000,
  connectionsCheckingInterval: 1000,
})

export const providerOf = ({ identity }: CoreSettings): Provider => {
  const { issuer, clientId, timeoutMs, introspectionEndpoint, tlsCaFile } = identity
  const ca = tlsCaFile === undefined ? {} : { ca: readFileSync(tlsCaFile) }
  return {
    issuer,
    clientId,
    clientSecret: readSecret(identity.clientSecretFile),
    timeoutMs,
    agent: new Agent({ keepAlive: true, maxSockets: 16, minVersion: MIN_VERSION, ...ca }),
    ...(introspectionEndpoint === undefined ? {} : { introspectionEndpoint }),
  }
}

export const relayRulesOf = ({ limits }: CoreSettings): Omit<RelayRules, 'deliver'> => ({
  heldFor: milliseconds(limits.heldForMs),
  heldPosts: limits.heldPostsPerRealm,
  heldBytes: limits.heldBytesPerRealm,
  heldPerSender: limits.heldPostsPerUser,
})

export const mailboxRulesOf = ({ limits }: CoreSettings): MailboxRules => ({
  events: limits.eventsPerDevice,
  bytes: limits.eventBytesPerDevice,
  totalBytes: limits.eventBytes,
  keptFor: milliseconds(limits.eventsForMs),
  windowBytes: limits.windowBytes,
})

/** Beside the other file, or where settings say. A URL holds a password: its file is for the core alone. */
export const postingsSettingsOf = ({ database, search }: CoreSettings): PostingsSettings => {
  if (search === undefined) {
    const isInMemory = database.file === ':memory:'
    return { kind: 'sqlite', file: isInMemory ? database.file : `${database.file}-search` }
  }
  if ('file' in search) return { kind: 'sqlite', file: search.file }
  const { postgresUrlFile, poolSize } = search
  return { kind: 'postgres', url: readSecret(postgresUrlFile), poolSize }
}

export const postingsRulesOf = ({ limits }: CoreSettings): PostingsRules => ({
  inMemory: limits.postingsInMemory,
  mergeAfterMs: limits.mergeAfterMs,
})

export const queryRulesOf = ({ limits }: CoreSettings): QueryRules => ({
  patienceMs: limits.searchPatienceMs,
  openPerUser: limits.openSearchesPerUser,
  perMinute: limits.searchesPerUserPerMinute,
})

export const streamRulesOf = (
  { limits }: CoreSettings,
  realms: Realms,
): Omit<StreamRules, 'now' | 'onCount'> => ({
  isRealm: (domain) => realms.named(domain) !== undefined,
  perRealm: limits.streamsPerRealm,
  perPair: limits.streamsPerPeer,
  opensPerSecond: limits.streamsOpenedPerSecond,
  acceptWithinMs: limits.streamAcceptWithinMs,
})

const ASK_AGAIN_AFTER_MS = 5000
const OPERATIONS_KEPT_MS = 30 * 24 * 3600 * 1000

export const operationRulesOf = ({
  limits,
}: CoreSettings): Omit<OperationRules, 'onApplied' | 'whyClosed'> => ({
  patienceMs: limits.realmPatienceMs,
  askAgainAfterMs: ASK_AGAIN_AFTER_MS,
  openPerUser: limits.heldPostsPerUser,
  keptForMs: OPERATIONS_KEPT_MS,
})
