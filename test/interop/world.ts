// The running world this suite tests: the JSON that `scripts/start --ready-file` wrote, with types.
// Importing this module also makes the core's TLS root trusted in this process; nothing else is.
import assert from 'node:assert/strict'
import { exec } from 'node:child_process'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import { promisify } from 'node:util'

export interface User {
  readonly name: string
  readonly id: string
  readonly email: string
  readonly organizationId: string
  readonly roles: readonly string[]
  /** Scope `spark:kms`: travels only inside sealed requests. */
  readonly kmsToken: string
  /** Everything but `spark:kms`: for HTTP and the WebSocket. */
  readonly coreToken: string
}

export interface Realm {
  readonly name: string
  readonly domain: string
  readonly identityCaFile: string
  readonly adminUrl: string
  readonly logUrl: string
  readonly issuer: string
  readonly restartCommand: string
  readonly users: readonly User[]
}

interface World {
  readonly core: {
    readonly baseUrl: string
    readonly encryptionUrl: string
    readonly wdmUrl: string
    readonly conversationUrl: string
    readonly searchUrl: string
    readonly tlsCaFile: string
  }
  readonly realms: readonly Realm[]
}

const readyFile = process.env['KEYREALM_READY_FILE']
assert(readyFile, 'KEYREALM_READY_FILE must name the file that scripts/start wrote')

export const world = JSON.parse(readFileSync(readyFile, 'utf8')) as World

tls.setDefaultCACertificates([
  ...tls.getCACertificates('default'),
  readFileSync(world.core.tlsCaFile, 'utf8'),
])

export function realm(name: string): Realm {
  const found = world.realms.find((candidate) => candidate.name === name)
  assert(found, `the world has no realm "${name}"`)
  return found
}

export function user(name: string): User {
  const found = world.realms.flatMap(({ users }) => users).find((user) => user.name === name)
  assert(found, `the world has no user "${name}"`)
  return found
}

/** Whoever owns, whoever reads, and a third: what holds in one organisation holds across two, in both directions. */
export const CASTS = [
  { where: 'within one organisation', cast: ['alice', 'bob', 'carol'] },
  { where: 'with members of another organisation', cast: ['alice', 'gina', 'greg'] },
  { where: 'from the other organisation', cast: ['gina', 'alice', 'bob'] },
] as const

/** The realm's own roots in the form the SDK's `caroots` setting wants: bare base64 DER. */
export function carootsOf(realm: Realm): string[] {
  const pem = readFileSync(realm.identityCaFile, 'utf8')
  const bodies = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)
  return Array.from(bodies, ([, body = '']) => body.replace(/\s/g, ''))
}

export function realmOf(user: User): Realm {
  const found = world.realms.find(({ users }) => users.includes(user))
  assert(found, `${user.name} has no realm`)
  return found
}

/** Kills the realm with SIGKILL, starts it again and resolves once it answers. */
export async function killAndRestart(realm: Realm): Promise<void> {
  await promisify(exec)(realm.restartCommand, { timeout: 60_000 })
}
