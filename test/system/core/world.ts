// A whole core on loopback with real TLS: an identity provider, two organizations, their people and tokens, a
// clock that a test can move, and a log that a test can read.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseSettings, type RunningCore, startCore } from '../../../src/core/index.ts'
import { createLog, createMetrics } from '../../../src/runtime/index.ts'
import { type Instant, instant } from '../../../src/time.ts'
import { makeTestCertificates, type TestAuthority } from '../../support/certificates.ts'
import { connectRealm, type FakeRealm } from './fake-realm.ts'
import {
  CORE_CLIENT,
  CORE_SECRET,
  startIdentityProvider,
  type TestIdentityProvider,
} from './identity-provider.ts'

export const ACME = {
  domain: 'kms.acme.example',
  organizationId: '5f1d7c52-4d0e-4a57-9c8b-0a6e3b1f2ac1',
}
export const GLOBEX = {
  domain: 'kms.globex.example',
  organizationId: 'c3a9e1d4-7b26-4f68-8e15-92d4b7c05e6f',
}
export const ALICE = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
export const BOB = '27d4c915-8e3a-4b0f-9d61-c5a8f47b6302'
export const CAROL = '4e9a02b7-d6f1-4c38-8a75-61be9f03d2c8'
export const GINA = 'd15e8f92-6c0b-4a73-8f24-b94e07d3a65c'
export const STRANGER = '11111111-2222-4333-8444-555555555555'

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  /** Members of a JSON object; empty for anything else. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface Question {
  readonly token?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface CoreWorld {
  core: RunningCore
  readonly authority: TestAuthority
  readonly provider: TestIdentityProvider
  readonly logLines: string[]
  readonly directory: string
  now(): Instant
  pass(milliseconds: number): void
  ask(method: string, path: string, question?: Question): Promise<HttpAnswer>
  /** Registers a device. */
  register(token: string): Promise<{ readonly url: string; readonly webSocketUrl: string }>
  connect(realm: typeof ACME): Promise<FakeRealm>
  /** Stops the core and starts it again on the same database and ports. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface WorldWishes {
  readonly limits?: Readonly<Record<string, number>>
  readonly identity?: Readonly<Record<string, unknown>>
  readonly search?: Readonly<Record<string, unknown>>
}

export const claimsOf = (userId: string, organizationId: string, more: object = {}) => ({
  iss: undefined,
  aud: 'urn:keyrealm:core',
  scope: 'openid spark:core',
  token_type: 'Bearer',
  sub: userId,
  organization_id: organizationId,
  email: `${userId.slice(0, 4)}@example.test`,
  roles: [],
  exp: 4_000_000_000,
  ...more,
})

export const openCoreWorld = async (wishes: WorldWishes = {}): Promise<CoreWorld> => {
  const authority = makeTestCertificates()
  const provider = await startIdentityProvider(authority)
  provider.tokens.set('alice', claimsOf(ALICE, ACME.organizationId))
  provider.tokens.set('bob', claimsOf(BOB, ACME.organizationId))
  provider.tokens.set('carol', claimsOf(CAROL, ACME.organizationId))
  provider.tokens.set('gina', claimsOf(GINA, GLOBEX.organizationId))
  const directory = await mkdtemp(join(tmpdir(), 'keyrealm-core-'))
  const files = await writeFiles(directory, authority)
  const logLines: string[] = []
  const log = createLog({ level: 'debug', sink: { write: (line) => logLines.push(line) } })
  let offsetMs = 0
  const clock = { now: () => instant(Date.now() + offsetMs) }
  const start = (ports: { port: number; linkPort: number }) =>
    startCore({
      settings: settingsFor({ files, provider, wishes, ports }),
      log,
      metrics: createMetrics({ process: 'ignored' }),
      clock,
    })
  const agent = new Agent({ ca: authority.ca, keepAlive: true })

  const world: CoreWorld = {
    core: await start({ port: 0, linkPort: 0 }),
    authority,
    provider,
    logLines,
    directory,
    now: clock.now,
    pass(milliseconds) {
      offsetMs += milliseconds
    },
    ask: (method, path, question = {}) => {
      const url = path.startsWith('https:') ? path : `${world.core.baseUrl}${path}`
      return send(agent, { method, url }, question)
    },
    async register(token) {
      const { body } = await world.ask('POST', '/wdm/api/v1/devices', {
        token,
        body: { deviceType: 'DESKTOP' },
      })
      return { url: String(body['url']), webSocketUrl: String(body['webSocketUrl']) }
    },
    connect: ({ domain, organizationId }) =>
      connectRealm({ port: world.core.linkPort, authority }, domain, [organizationId]),
    async restart() {
      const { port, linkPort } = world.core
      await world.core.stop()
      agent.destroy()
      world.core = await start({ port, linkPort })
    },
    async close() {
      agent.destroy()
      await world.core.stop()
      await provider.close()
      await rm(directory, { recursive: true })
    },
  }
  return world
}

const writeFiles = async (directory: string, authority: TestAuthority) => {
  const { cert, key } = authority.server()
  const at = (name: string) => join(directory, name)
  await writeFile(at('cert.pem'), cert)
  await writeFile(at('key.pem'), key, { mode: 0o600 })
  await writeFile(at('ca.pem'), authority.ca)
  await writeFile(at('secret'), `${CORE_SECRET}\n`, { mode: 0o600 })
  return {
    certFile: at('cert.pem'),
    keyFile: at('key.pem'),
    caFile: at('ca.pem'),
    secretFile: at('secret'),
    databaseFile: at('core.sqlite'),
  }
}

interface SettingsWanted {
  readonly files: Awaited<ReturnType<typeof writeFiles>>
  readonly provider: TestIdentityProvider
  readonly wishes: WorldWishes
  readonly ports: { readonly port: number; readonly linkPort: number }
}

const settingsFor = ({ files, provider, wishes, ports }: SettingsWanted) => {
  const tls = { certFile: files.certFile, keyFile: files.keyFile }
  return parseSettings({
    listen: { host: '127.0.0.1', port: ports.port, ...tls },
    link: { host: '127.0.0.1', port: ports.linkPort, ...tls, clientCaFile: files.caFile },
    health: { port: 0 },
    database: { file: files.databaseFile },
    identity: {
      issuer: provider.issuer,
      clientId: CORE_CLIENT,
      clientSecretFile: files.secretFile,
      tlsCaFile: files.caFile,
      timeoutMs: 2000,
      ...wishes.identity,
    },
    realms: [
      { domain: ACME.domain, organizationIds: [ACME.organizationId] },
      { domain: GLOBEX.domain, organizationIds: [GLOBEX.organizationId] },
    ],
    limits: wishes.limits ?? {},
    ...(wishes.search === undefined ? {} : { search: wishes.search }),
  })
}

const send = (
  agent: Agent,
  { method, url }: { readonly method: string; readonly url: string },
  { token, body, headers = {} }: Question,
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const all = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }
    const sent = request(url, { agent, method, headers: all }, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString()
      const isJson = /json/.test(String(answer.headers['content-type']))
      const parsed = isJson ? JSON.parse(text) : {}
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, body: parsed })
    })
    sent.on('error', reject)
    sent.end(
      body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    )
  })
