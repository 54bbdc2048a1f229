// What a program needs to use a running development world: addresses, anchors, people and their tokens, in one file.
// The file holds tokens: it is 0600, appears whole or not at all, and is removed when the world stops.
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { CORE_RESOURCE, CORE_SCOPE, KMS_RESOURCE, KMS_SCOPE } from './openid/resources.ts'
import { PEOPLE, type Person } from './people.ts'
import { signIn } from './sign-in.ts'
import { writeJson } from './world/settings-files.ts'
import type { World } from './world.ts'

export interface ReadyUser {
  readonly name: string
  readonly id: string
  readonly email: string
  readonly organizationId: string
  readonly roles: readonly string[]
  /** JWT, scope `spark:kms`: goes into encrypted requests to the realm and nowhere else. */
  readonly kmsToken: string
  /** Opaque, scope `spark:core`: for HTTP and Mercury at the core. */
  readonly coreToken: string
}

export interface ReadyRealm {
  readonly name: string
  readonly domain: string
  readonly identityCaFile: string
  readonly adminUrl: string
  readonly logUrl: string
  readonly issuer: string
  /** One shell command: kill -9 the realm, start it again, return when it answers. */
  readonly restartCommand: string
  readonly users: readonly ReadyUser[]
}

export interface Ready {
  readonly core: {
    readonly baseUrl: string
    readonly encryptionUrl: string
    readonly wdmUrl: string
    readonly conversationUrl: string
    readonly searchUrl: string
    readonly tlsCaFile: string
  }
  readonly realms: readonly ReadyRealm[]
}

/** Signs these people in; unless told, everybody. Tokens are good for eight hours. */
export async function describeWorld(
  { plan, certificates }: Pick<World, 'plan' | 'certificates'>,
  people: readonly Person[] = PEOPLE,
): Promise<Ready> {
  const { baseUrl } = plan.core
  const { tlsCaFile } = certificates
  const { issuer } = plan.identityProvider
  const users = await Promise.all(
    people.map(async ({ realm, ...person }) => ({
      realm,
      user: { ...person, ...(await tokensFor(person, { issuer, tlsCaFile })) },
    })),
  )
  return {
    core: {
      baseUrl,
      encryptionUrl: `${baseUrl}/encryption/api/v1`,
      wdmUrl: `${baseUrl}/wdm/api/v1`,
      conversationUrl: `${baseUrl}/conversation/api/v1`,
      searchUrl: `${baseUrl}/argonaut/api/v1`,
      tlsCaFile,
    },
    realms: plan.realms.map(({ name, domain, adminPort, logPort }, index) => ({
      name,
      domain,
      identityCaFile: certificates.realms[index]?.identityCaFile ?? '',
      adminUrl: `http://127.0.0.1:${adminPort}`,
      logUrl: `http://127.0.0.1:${logPort}`,
      issuer,
      restartCommand: restartCommand(plan.data, name),
      users: users.filter(({ realm }) => realm === name).map(({ user }) => user),
    })),
  }
}

/** Where programs find the world; undefined values are never written. */
export function writeReadyFile(file: string, ready: Ready): void {
  writeJson(resolve(file), ready)
}

export function removeReadyFile(file: string): void {
  rmSync(file, { force: true })
}

async function tokensFor(
  person: { readonly name: string },
  at: { readonly issuer: string; readonly tlsCaFile: string },
): Promise<Pick<ReadyUser, 'kmsToken' | 'coreToken'>> {
  const kmsToken = await signIn({ ...at, person, resource: KMS_RESOURCE, scope: KMS_SCOPE })
  const coreToken = await signIn({ ...at, person, resource: CORE_RESOURCE, scope: CORE_SCOPE })
  return { kmsToken, coreToken }
}

function restartCommand(dataDirectory: string, name: string): string {
  const script = resolve(import.meta.dirname, 'restart-realm.ts')
  return [process.execPath, script, dataDirectory, name].map(shellQuoted).join(' ')
}

/** POSIX shell: nothing is special inside single quotes, and a quote is put between two of them. */
function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
