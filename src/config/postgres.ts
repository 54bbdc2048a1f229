// Where the PostgreSQL server is: by URL or by parts, always turned into the same parts.
// A password in the URL is refused, and so is a connection without TLS that leaves this machine.

import { z } from 'zod'
import { host, isLoopback, pathIn, type SecretSource, secretIn, text, whole } from './fields.ts'

const DEFAULT_PORT = 5432

export interface PostgresSettings {
  readonly kind: 'postgres'
  /** A host name, or the folder of a Unix socket (begins with `/`). */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password?: SecretSource
  readonly tls: { readonly mode: 'verify-full' | 'disable'; readonly caFile?: string }
  readonly poolSize: number
}

const parts = (folder: string) =>
  z.strictObject({
    kind: z.literal('postgres').meta({ description: 'PostgreSQL, for several nodes.' }),
    url: z
      .string()
      .max(2048)
      .meta({ description: '`postgres://user@host:port/database`; instead of the four parts.' })
      .exactOptional(),
    host: z
      .union([host(''), z.string().regex(/^\/[^\0]*$/)])
      .meta({ description: 'Server, or the folder of its Unix socket.' })
      .exactOptional(),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .meta({ description: `Port of the server; ${DEFAULT_PORT} unless told.`, unit: 'TCP port' })
      .exactOptional(),
    database: text('Name of the database.').exactOptional(),
    user: text('Role to sign in as.').exactOptional(),
    password: secretIn(folder)('Password of the role.').exactOptional(),
    tls: z
      .strictObject({
        mode: z.enum(['verify-full', 'disable']).default('verify-full').meta({
          description: '`disable` only for this machine: loopback or a Unix socket.',
        }),
        caFile: pathIn(folder)(
          'Authorities to trust (PEM); the system’s unless told.',
        ).exactOptional(),
      })
      .prefault({}),
    poolSize: whole('Connections kept open.', {
      unit: 'connections',
      min: 2,
      max: 200,
      byDefault: 10,
    }),
  })

type Parts = z.output<ReturnType<typeof parts>>
type Place = Pick<PostgresSettings, 'host' | 'port' | 'database' | 'user'>

export const postgres = (folder: string) =>
  parts(folder).transform((raw, check): PostgresSettings => {
    const place = placeOf(raw)
    const problem = typeof place === 'string' ? place : problemOf(raw, place)
    if (problem !== undefined || typeof place === 'string') {
      check.issues.push({ code: 'custom', message: problem ?? '', input: '' })
      return z.NEVER
    }
    return {
      kind: raw.kind,
      ...place,
      tls: raw.tls,
      poolSize: raw.poolSize,
      ...(raw.password === undefined ? {} : { password: raw.password }),
    }
  })

const placeOf = (raw: Parts): Place | string => {
  const { host: hostName, port, database, user } = raw
  if (raw.url !== undefined) {
    const isMixed = [hostName, port, database, user].some((part) => part !== undefined)
    return isMixed ? 'must give the url or host, database and user, never both' : fromUrl(raw.url)
  }
  if (hostName === undefined || database === undefined || user === undefined) {
    return 'must give the url, or host, database and user'
  }
  return { host: hostName, port: port ?? DEFAULT_PORT, database, user }
}

const fromUrl = (raw: string): Place | string => {
  const url = URL.parse(raw)
  const isPostgres = url?.protocol === 'postgres:' || url?.protocol === 'postgresql:'
  if (url === null || !isPostgres) return 'url must begin with postgres://'
  if (url.password !== '') return 'url must not hold a password; use the password setting'
  if (url.search !== '' || url.hash !== '') return 'url must not have parameters'
  const database = decoded(url.pathname.slice(1))
  const user = decoded(url.username)
  if (url.hostname === '' || !database || !user) return 'url must name user, host and database'
  const hostName = url.hostname.replace(/^\[|\]$/g, '')
  return { host: hostName, port: Number(url.port || DEFAULT_PORT), database, user }
}

const decoded = (component: string): string | undefined => {
  try {
    return decodeURIComponent(component)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

const problemOf = (raw: Parts, place: Place): string | undefined => {
  const isHere = isLoopback(place.host) || place.host.startsWith('/')
  if (raw.tls.mode === 'disable' && !isHere) {
    return 'tls.mode "disable" is only for a server on this machine'
  }
  if (raw.tls.mode === 'disable' && raw.tls.caFile !== undefined) {
    return 'tls.caFile has no meaning when tls.mode is "disable"'
  }
  return undefined
}
