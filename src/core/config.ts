// The core's settings: one JSON file. An unknown key, a wrong type or a value out of range stops the start and
// names the dotted path. Paths in the file are relative to it.

import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { isDomain } from '../boundary/index.ts'
import { Fault } from '../fault.ts'
import { isUuid } from '../id.ts'

const path = z.string().min(1)
const host = z.string().min(1).max(253)
const port = z.int().min(0).max(65_535)
const httpsUrl = z.url({ protocol: /^https$/ })
const count = (least: number, most: number, standard: number) =>
  z.int().min(least).max(most).default(standard)

const LIMITS = z.strictObject({
  /** Bytes of one request body. */
  bodyBytes: count(1024, 14_000_000, 4_194_304),
  bodyWithinMs: count(100, 120_000, 10_000),
  headersWithinMs: count(100, 120_000, 10_000),
  connections: count(1, 1_000_000, 20_000),
  /** How long a post waits for its realm. */
  heldForMs: count(1000, 600_000, 120_000),
  heldPostsPerRealm: count(1, 1_000_000, 20_000),
  heldBytesPerRealm: count(1024, 4_294_967_296, 268_435_456),
  heldPostsPerUser: count(1, 100_000, 500),
  /** How long an event waits for its device. */
  eventsForMs: count(1000, 600_000, 120_000),
  eventsPerDevice: count(1, 100_000, 1000),
  eventBytesPerDevice: count(1024, 268_435_456, 8_388_608),
  eventBytes: count(1024, 8_589_934_592, 268_435_456),
  /** How far sending to a socket may run ahead of the network; the rest waits among the events. */
  windowBytes: count(1024, 268_435_456, 1_048_576),
  devicesPerUser: count(1, 10_000, 100),
  mercuryFrameBytes: count(1024, 1_048_576, 65_536),
  /** Frames of one socket, not counting acknowledgements of events that were sent. */
  mercuryFramesPerSecond: count(1, 100_000, 100),
  mercuryAuthorizeWithinMs: count(100, 120_000, 10_000),
  /** How long a realm that has connected may stay silent. */
  linkHelloWithinMs: count(100, 120_000, 10_000),
  /** How long a client waits for core and realm to change a room together. */
  realmPatienceMs: count(100, 60_000, 5000),
  membersPerRoom: count(2, 4999, 1000),
  /** How often realms are told who is in their rooms. */
  rostersEveryMs: count(100, 86_400_000, 600_000),
  tokensKept: count(10, 1_000_000, 20_000),
  /** How long a client waits for its realm to read a query. */
  searchPatienceMs: count(100, 60_000, 10_000),
  openSearchesPerUser: count(1, 1000, 4),
  searchesPerUserPerMinute: count(1, 100_000, 120),
  /** Hashes of the search index in memory, about 30 bytes each; with more the database is asked. */
  postingsInMemory: count(0, 1_000_000_000, 10_000_000),
  /** How long new lists wait, to be merged together. */
  mergeAfterMs: count(0, 3_600_000, 1000),
})

const SETTINGS = z.strictObject({
  /** Where clients find the core; `https://HOST:PORT` of `listen` unless told. */
  publicBaseUrl: httpsUrl.optional(),
  listen: z.strictObject({ host, port, certFile: path, keyFile: path }),
  link: z.strictObject({ host, port, certFile: path, keyFile: path, clientCaFile: path }),
  /** Plain HTTP: liveness, readiness, metrics. Keep it on loopback. */
  health: z.strictObject({ host: host.default('127.0.0.1'), port }),
  database: z.strictObject({ file: path }),
  /** Where the search index is: a file, `FILE-search` of `database` unless told, or PostgreSQL. */
  search: z
    .union([
      z.strictObject({ file: path }),
      z.strictObject({ postgresUrlFile: path, poolSize: count(1, 100, 4) }),
    ])
    .optional(),
  identity: z.strictObject({
    issuer: httpsUrl,
    introspectionEndpoint: httpsUrl.optional(),
    clientId: z.string().min(1).max(256),
    clientSecretFile: path,
    tlsCaFile: path.optional(),
    audience: z.string().min(1).max(256).default('urn:keyrealm:core'),
    requiredScope: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/)
      .default('spark:core'),
    believedForMs: count(0, 300_000, 30_000),
    timeoutMs: count(100, 30_000, 3000),
  }),
  realms: z
    .array(
      z.strictObject({
        domain: z.string().refine(isDomain, 'a host name in lower case'),
        organizationIds: z.array(z.string().refine(isUuid, 'a UUID in lower case')).min(1),
      }),
    )
    .min(1)
    .superRefine(noneTwice),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      file: path.optional(),
    })
    .prefault({}),
  limits: LIMITS.prefault({}),
})

type RealmSettings = readonly {
  readonly domain: string
  readonly organizationIds: readonly string[]
}[]

/** Two realms must not claim one name or one organization: then nobody would know who serves whom. */
function noneTwice(realms: RealmSettings, context: z.RefinementCtx): void {
  const names = realms.flatMap(({ domain, organizationIds }) => [domain, ...organizationIds])
  if (new Set(names).size === names.length) return
  context.addIssue({ code: 'custom', message: 'a domain or an organization is named twice' })
}

export type CoreSettings = z.infer<typeof SETTINGS>

/** Settings that cannot be used: what the operator must read, line by line. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** Raw JSON to settings. Throws a SettingsError that names every path at fault. */
export const parseSettings = (raw: unknown): CoreSettings => {
  const parsed = SETTINGS.safeParse(raw)
  if (parsed.success) return parsed.data
  throw new SettingsError(parsed.error.issues.flatMap(toLines).join('\n'))
}

const toLines = (issue: z.core.$ZodIssue): readonly string[] => {
  const at = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') return [`${at.join('.') || 'settings'}: ${issue.message}`]
  return issue.keys.map((key) => `${[...at, key].join('.')}: unknown setting`)
}

/** Reads a settings file; every path in it becomes absolute. */
export const loadSettings = (file: string): CoreSettings => {
  const settings = parseSettings(parseFile(file))
  const at = (name: string): string => resolve(dirname(file), name)
  const { listen, link, identity, database, search, log } = settings
  return {
    ...settings,
    listen: { ...listen, certFile: at(listen.certFile), keyFile: at(listen.keyFile) },
    link: {
      ...link,
      certFile: at(link.certFile),
      keyFile: at(link.keyFile),
      clientCaFile: at(link.clientCaFile),
    },
    identity: {
      ...identity,
      clientSecretFile: at(identity.clientSecretFile),
      ...(identity.tlsCaFile === undefined ? {} : { tlsCaFile: at(identity.tlsCaFile) }),
    },
    database: { file: at(database.file) },
    ...(search === undefined ? {} : { search: searchAt(search, at) }),
    log: log.file === undefined ? log : { ...log, file: at(log.file) },
  }
}

type SearchSettings = NonNullable<CoreSettings['search']>

const searchAt = (search: SearchSettings, at: (name: string) => string): SearchSettings =>
  'file' in search
    ? { file: at(search.file) }
    : { ...search, postgresUrlFile: at(search.postgresUrlFile) }

const parseFile = (file: string): unknown => {
  const text = readText(file)
  try {
    return JSON.parse(text)
  } catch {
    throw new SettingsError(`${file}: not JSON`)
  }
}

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new SettingsError(`${file}: cannot be read`)
  }
}

/** The content of a file that others must not read. Throws a Fault `core.open-secret` if they may. */
export const readSecret = (file: string): string => {
  if ((statSync(file).mode & 0o077) !== 0) throw new Fault('core.open-secret')
  return readFileSync(file, 'utf8').trim()
}
