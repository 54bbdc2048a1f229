// A development world in processes of their own, on free ports of loopback, whose parts a test can stop, kill, start
// and look into one by one: one realm, or two that federate. It is `scripts/start` taken apart: same settings, same programs.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { openHttpsClient } from '../../scripts/dev/https-client.ts'
import { describeWorld, type Ready, type ReadyUser } from '../../scripts/dev/ready-file.ts'
import { type Child, superviseChild } from '../../scripts/dev/supervise/child.ts'
import { planWorld, type RealmPlan, type WorldPlan } from '../../scripts/dev/world/plan.ts'
import { KEYREALM, prepareRealm } from '../../scripts/dev/world/prepare.ts'
import { coreSettings, realmSettings, writeJson } from '../../scripts/dev/world/settings-files.ts'
import {
  type DevelopmentCertificates,
  makeDevelopmentCertificates,
  type RealmCertificates,
} from '../../scripts/make-dev-certs.ts'
import { type ConnectSettings, connect, type KeyrealmClient } from '../../src/client/index.ts'
import { nodeTransport } from '../../src/client/node.ts'

type Settings = Readonly<Record<string, unknown>>

export interface WorldWishes {
  /** Laid over acme's settings, section by section. */
  readonly realm?: (plan: WorldPlan) => Settings
  /** The same for globex, which runs only if this is given. */
  readonly globex?: (plan: WorldPlan) => Settings
  readonly core?: Settings
  /** Parameters of the core's node, before its program. */
  readonly coreNode?: readonly string[]
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
}

export interface Page {
  readonly status: number
  readonly body: string
}

/** One realm of a world. */
export interface RunningRealm {
  readonly plan: RealmPlan
  readonly certificates: RealmCertificates
  readonly process: Child
  /** Runs `keyrealm … --config <this realm's>`, unless it names another. */
  keyrealm(...command: string[]): Promise<Ran>
  /** Its audit log as its operator reads it. */
  entries(): Promise<readonly Settings[]>
}

export interface RunningWorld {
  readonly plan: WorldPlan
  readonly certificates: DevelopmentCertificates
  /** The first realm: acme. */
  readonly acme: RealmPlan
  readonly provider: Child
  readonly core: Child
  /** Acme's process. */
  readonly realm: Child
  readonly ready: Ready
  user(name: string): ReadyUser
  /** The realm of that name, or the one that this person is at home in. */
  at(name: string): RunningRealm
  /** The reference client of a person, at their own realm; closed with the world. */
  client(
    name: string,
    changes?: Partial<Pick<ConnectSettings, 'answerTimeoutMs' | 'clock' | 'receipts'>>,
  ): Promise<KeyrealmClient>
  /** Runs `keyrealm … --config <acme's>`, unless it names another. */
  keyrealm(...command: string[]): Promise<Ran>
  /** What a plain listener on loopback says. */
  page(port: number, path: string, headers?: Readonly<Record<string, string>>): Promise<Page>
  /** Acme's audit log as its operator reads it. */
  entries(): Promise<readonly Settings[]>
  close(): Promise<void>
}

const PORTS = [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
const LOWEST_PORT = 20_000
const PORT_BASES = 1000

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}

/** A base above which every port of a world is free now. Bases are drawn, so that two tests seldom want the same. */
const findPortBase = async (): Promise<number> => {
  for (;;) {
    const base = LOWEST_PORT + 30 * Math.floor(Math.random() * PORT_BASES)
    const free = await Promise.all(PORTS.map((port) => isFree(base + port)))
    if (free.every(Boolean)) return base
  }
}

const isObject = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Sections are laid over each other; anything else is replaced. A `kind` begins a section anew. */
const overlay = (settings: Settings, changes: Settings): Settings => {
  const merged = Object.entries(changes).map(([name, change]) => {
    const before = settings[name]
    const isSection = isObject(before) && isObject(change) && !('kind' in change)
    return [name, isSection ? overlay(before, change) : change]
  })
  return { ...settings, ...Object.fromEntries(merged) }
}

const isReadyAt = async (port: number): Promise<boolean> => {
  const { status } = await readPage(port, '/readyz', {})
  return status === 200
}

const readPage = async (
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Page> => {
  const asked = request({ host: '127.0.0.1', port, path, headers, agent: false, timeout: 5000 })
  asked.on('timeout', () => asked.destroy(new Error(`port ${port} does not answer`)))
  asked.end()
  const [answer] = await once(asked, 'response')
  return { status: answer.statusCode, body: await text(answer) }
}

interface Parts {
  /** Of the whole world: the core knows both realms, whichever run. */
  readonly plan: WorldPlan
  readonly certificates: DevelopmentCertificates
  /** Those that run. */
  readonly running: readonly RealmPlan[]
}

const planParts = async ({ globex }: WorldWishes): Promise<Parts> => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'keyrealm world-'))
  const plan = planWorld({ dataDirectory, portBase: await findPortBase() })
  const running = plan.realms.slice(0, globex === undefined ? 1 : 2)
  const directory = plan.certificates
  return {
    plan,
    running,
    certificates: makeDevelopmentCertificates({ directory, realms: running }),
  }
}

const certificatesOf = ({ certificates }: Parts, { name }: RealmPlan): RealmCertificates => {
  const found = certificates.realms.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no certificates for ${name}`)
  return found
}

const writeSettings = (parts: Parts, wishes: WorldWishes): void => {
  const { plan, certificates, running } = parts
  const core = coreSettings(plan, certificates) as Settings
  writeJson(plan.core.configFile, overlay(core, wishes.core ?? {}))
  for (const realm of running) {
    const from = { realm, plan, certificates: certificatesOf(parts, realm), shared: certificates }
    const wished = (realm.name === 'acme' ? wishes.realm : wishes.globex)?.(plan)
    writeJson(realm.configFile, overlay(realmSettings(from) as Settings, wished ?? {}))
  }
}

const childrenOf = ({ plan, certificates, running }: Parts, { coreNode = [] }: WorldWishes) => {
  const { directory, port, issuer, logFile } = plan.identityProvider
  const { chainFile, keyFile } = certificates.identityProvider
  const program = join(import.meta.dirname, '../../scripts/dev/identity-provider.ts')
  const tls = ['--cert', chainFile, '--key', keyFile]
  const provider = superviseChild({
    name: 'identity provider',
    command: [program, '--data', directory, '--port', String(port), ...tls],
    logFile,
    async answers() {
      using client = openHttpsClient(issuer, certificates.tlsCaFile)
      return (await client.ask({ url: '/.well-known/openid-configuration' })).status === 200
    },
  })
  const core = superviseChild({
    name: 'core',
    command: [...coreNode, KEYREALM, 'core', '--config', plan.core.configFile],
    logFile: plan.core.logFile,
    answers: () => isReadyAt(plan.core.healthPort),
  })
  const realms = running.map((realm) =>
    superviseChild({
      name: realm.name,
      command: [KEYREALM, 'serve', '--config', realm.configFile],
      logFile: realm.logFile,
      answers: () => isReadyAt(realm.healthPort),
    }),
  )
  return { provider, core, realms }
}

/** A command line as a process of its own; nothing is added to it. */
export const runCommand = async (command: readonly string[]): Promise<Ran> => {
  const child = spawn(process.execPath, [KEYREALM, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code, out, error }
}

interface Started extends Parts, ReturnType<typeof childrenOf> {
  readonly ready: Ready
  readonly stopAll: () => Promise<void>
}

const CLIENT_CLOSES_WITHIN_MS = 3000

/** Clients of the world's people, to be closed together. */
const gatherClients = ({ ready, certificates }: Started) => {
  const closers: (() => Promise<void>)[] = []
  return {
    async join(user: ReadyUser, changes: object = {}): Promise<KeyrealmClient> {
      const realm = ready.realms.find(({ users }) => users.includes(user))
      if (realm === undefined) throw new Error(`${user.name} has no realm`)
      const transport = nodeTransport({ caPem: readFileSync(certificates.tlsCaFile, 'utf8') })
      closers.push(async () => transport.close())
      const client = await connect({
        wdmUrl: ready.core.wdmUrl,
        realm: { domain: realm.domain, rootsPem: [readFileSync(realm.identityCaFile, 'utf8')] },
        coreToken: async () => user.coreToken,
        kmsToken: async () => user.kmsToken,
        transport,
        ...changes,
      })
      closers.push(() => client.close())
      return client
    },
    async close(): Promise<void> {
      for (const closer of closers.reverse()) {
        await Promise.race([closer(), setTimeout(CLIENT_CLOSES_WITHIN_MS)]).catch(() => undefined)
      }
    },
  }
}

const ENTRIES_MOST = 1000

const readEntries = async (logPort: number): Promise<readonly Settings[]> => {
  const all: Settings[] = []
  for (;;) {
    const page = `/log/entries?after=${all.length}&limit=${ENTRIES_MOST}`
    const { status, body } = await readPage(logPort, page, {})
    if (status !== 200) throw new Error(`the log answers ${status}: ${body}`)
    const { entries }: { entries: readonly { body: string }[] } = JSON.parse(body)
    all.push(...entries.map((one) => JSON.parse(one.body)))
    // Reading the log is itself recorded: there is always one more.
    if (entries.length < ENTRIES_MOST) return all
  }
}

const realmsOf = (started: Started): readonly RunningRealm[] =>
  started.realms.map((process, index) => {
    const plan = started.running[index]
    if (plan === undefined) throw new Error('a realm without a plan')
    const { configFile, logPort } = plan
    return {
      ...{ plan, process, certificates: certificatesOf(started, plan) },
      keyrealm: (...command) =>
        runCommand(command.includes('--config') ? command : [...command, '--config', configFile]),
      entries: () => readEntries(logPort),
    }
  })

const toWorld = (started: Started): RunningWorld => {
  const { plan, certificates, provider, core, ready } = started
  const clients = gatherClients(started)
  const users = ready.realms.flatMap((realm) => realm.users)
  const user = (name: string): ReadyUser => {
    const found = users.find((one) => one.name === name)
    if (found === undefined) throw new Error(`nobody is called ${name}`)
    return found
  }
  const realms = realmsOf(started)
  const at = (name: string): RunningRealm => {
    const home = ready.realms.find((one) => one.users.some((person) => person.name === name))
    const found = realms.find((one) => one.plan.name === (home?.name ?? name))
    if (found === undefined) throw new Error(`there is no realm of ${name}`)
    return found
  }
  const acme = at('acme')
  return {
    ...{ plan, certificates, provider, core, ready, user, at },
    acme: acme.plan,
    realm: acme.process,
    client: (name, changes) => clients.join(user(name), changes),
    keyrealm: acme.keyrealm,
    page: (port, path, headers = {}) => readPage(port, path, headers),
    entries: acme.entries,
    async close() {
      await clients.close()
      await started.stopAll()
    },
  }
}

/** Starts everything; nothing is left behind if that fails. */
export const startRunningWorld = async (wishes: WorldWishes = {}): Promise<RunningWorld> => {
  const parts = await planParts(wishes)
  const { plan, certificates, running } = parts
  // Compiled code is shared by all processes of all worlds: a start takes half the time.
  process.env['NODE_COMPILE_CACHE'] ??= join(
    import.meta.dirname,
    '../../node_modules/.cache/compiled',
  )
  mkdirSync(plan.core.directory, { recursive: true })
  writeSettings(parts, wishes)
  const children = childrenOf(parts, wishes)
  const prepare = (realm: RealmPlan) => prepareRealm(realm, certificatesOf(parts, realm))
  const stopAll = async (): Promise<void> => {
    await Promise.all(children.realms.map((realm) => realm.stop()))
    await children.core.stop()
    await children.provider.stop()
    rmSync(plan.data, { recursive: true, force: true })
  }
  try {
    await children.provider.start()
    await Promise.all([children.core.start(), ...running.map(prepare)])
    await Promise.all(children.realms.map((realm) => realm.start()))
    const ready = await describeWorld({ plan: { ...plan, realms: running }, certificates })
    return toWorld({ ...parts, ...children, ready, stopAll })
  } catch (error) {
    await stopAll()
    throw error
  }
}
