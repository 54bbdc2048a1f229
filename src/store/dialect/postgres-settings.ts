// From our settings to the driver's. Nothing is taken from the URL's parameters, where `sslmode` could
// switch off the check of the server's certificate, and nothing leaves this machine in clear.

import type { PoolConfig } from 'pg'
import { Fault } from '../../fault.ts'
import type { PostgresSettings, PostgresTls } from '../settings.ts'

const DEFAULT_PORT = 5432
const CONNECT_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 30_000
/** Waiting for another writer, who is never slow unless stuck. */
const LOCK_TIMEOUT_MS = 10_000
/** A writer that froze inside its transaction gives up the lock it holds. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000

/**
 * Every statement here is made for an index. On young tables, whose statistics are not gathered yet, the
 * planner would scan or hash whole tables instead, and keep such a plan; so it is told not to, and to
 * plan each statement once.
 */
const PLANNING = [
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'plan_cache_mode=force_generic_plan',
  'jit=off',
]

const invalid = (why: string): Fault => new Fault('store.invalid-settings', new Error(why))

/** By name, by loopback address, or by the folder of a Unix socket. */
const isThisMachine = (host: string): boolean =>
  host.startsWith('/') ||
  host === 'localhost' ||
  host === '::1' ||
  /^127\.\d+\.\d+\.\d+$/.test(host)

const toTls = (tls: PostgresTls, host: string) => ({
  ca: tls.caPem,
  ...(tls.certificatePem === undefined ? {} : { cert: tls.certificatePem }),
  ...(tls.keyPem === undefined ? {} : { key: tls.keyPem }),
  servername: tls.serverName ?? host,
  minVersion: 'TLSv1.3' as const,
  rejectUnauthorized: true,
})

export const toPoolConfig = (settings: PostgresSettings): PoolConfig => {
  if (!URL.canParse(settings.url)) throw invalid('url: not a URL')
  const url = new URL(settings.url)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw invalid('url: scheme')
  if (url.search !== '' || url.hash !== '') throw invalid('url: parameters are not accepted')
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '')
  const database = decodeURIComponent(url.pathname.slice(1))
  if (host === '' || url.username === '' || database === '') {
    throw invalid('url: host, user and database are required')
  }
  if (settings.tls === undefined && !isThisMachine(host)) throw invalid('tls: required')
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user: decodeURIComponent(url.username),
    password: settings.password ?? decodeURIComponent(url.password),
    database,
    ssl: settings.tls === undefined ? false : toTls(settings.tls, host),
    max: settings.poolSize,
    application_name: 'keyrealm',
    options: PLANNING.map((setting) => `-c ${setting}`).join(' '),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
  }
}
