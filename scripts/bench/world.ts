// What is measured: a core and one realm at a time, real processes on free ports of loopback, in a folder that is
// thrown away. Settings are those of a development world but for the limits, which must not be what is measured.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planWorld, type RealmPlan, type WorldPlan } from '../dev/world/plan.ts'
import { KEYREALM, prepareRealm } from '../dev/world/prepare.ts'
import { coreSettings, realmSettings, writeJson } from '../dev/world/settings-files.ts'
import { type DevelopmentCertificates, makeDevelopmentCertificates } from '../make-dev-certs.ts'
import type { Cloud } from './generator/orders.ts'
import { type Issuer, startIssuer } from './issuer.ts'
import { freePorts, isReadyAt, type Running, startProcess } from './process.ts'

/** Far above what one machine can do. */
const PLENTY = 100_000
const LIMITS_OF_CORE = {
  heldPostsPerUser: PLENTY,
  eventsPerDevice: PLENTY,
  mercuryFramesPerSecond: PLENTY,
}
const LIMITS_OF_REALM = {
  limits: { inFlightMessages: PLENTY, messagesPerSecondPerUser: PLENTY, burstPerUser: PLENTY },
  channel: { sessionsPerDevice: PLENTY, sessionsPerUser: PLENTY },
  keys: { unboundPerUser: 10 * PLENTY },
}

export interface RealmUnderTest {
  readonly plan: RealmPlan
  readonly pid: number
  stop(): Promise<void>
}

export interface BenchWorld {
  readonly folder: string
  readonly cloud: Cloud
  readonly corePid: number
  readonly issuer: Issuer
  readonly tls: { readonly certificateFile: string; readonly keyFile: string }
  /** A fresh realm on this store; one at a time, since all of them answer for the same domain. */
  startRealm(name: string, store: object, nodeOptions?: readonly string[]): Promise<RealmUnderTest>
  close(): Promise<void>
}

export interface WorldWanted {
  /** Where core and realm leave CPU profiles when they end. */
  readonly profileFolder?: string | undefined
}

export async function openWorld({ profileFolder }: WorldWanted): Promise<BenchWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm-bench-'))
  const plan = await planOf(folder)
  const certificates = makeDevelopmentCertificates({
    directory: plan.certificates,
    realms: plan.realms,
  })
  const nodeOptions =
    profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
  const { chainFile: certificateFile, keyFile } = certificates.identityProvider
  const tls = { certificateFile, keyFile }
  const [realm] = plan.realms
  if (realm === undefined) throw new Error('There is no realm in the plan.')
  const { port } = plan.identityProvider
  const issuer = await startIssuer({ port, organizationId: realm.id, ...tls })
  const core = await startCore(plan, certificates, nodeOptions)
  return {
    folder,
    cloud: { origin: plan.core.baseUrl, caFile: certificates.tlsCaFile, domain: realm.domain },
    corePid: core.pid,
    issuer,
    tls,
    startRealm: (name, store, more = []) =>
      startRealm({
        realm: placed(realm, folder, name),
        ...{ plan, certificates, store },
        nodeOptions: [...nodeOptions, ...more],
      }),
    async close() {
      await core.stop()
      issuer.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The first realm of a development world, on free ports. */
async function planOf(folder: string): Promise<WorldPlan> {
  const plan = planWorld({ dataDirectory: folder, portBase: 1024 })
  const [provider = 0, port = 0, linkPort = 0, ...others] = await freePorts(7)
  const [healthPort = 0, ...ofRealm] = others
  const [health = 0, admin = 0, log = 0] = ofRealm
  const at = `https://127.0.0.1`
  return {
    ...plan,
    identityProvider: { ...plan.identityProvider, port: provider, issuer: `${at}:${provider}` },
    core: {
      ...plan.core,
      port,
      baseUrl: `${at}:${port}`,
      linkPort,
      linkUrl: `wss://127.0.0.1:${linkPort}/link`,
      healthPort,
    },
    realms: plan.realms
      .slice(0, 1)
      .map((realm) => ({ ...realm, healthPort: health, adminPort: admin, logPort: log })),
  }
}

function startCore(
  plan: WorldPlan,
  certificates: DevelopmentCertificates,
  nodeOptions: readonly string[],
): Promise<Running> {
  const { configFile, logFile, healthPort } = plan.core
  writeJson(configFile, { ...coreSettings(plan, certificates), limits: LIMITS_OF_CORE })
  return startProcess({
    name: 'core',
    command: [KEYREALM, 'core', '--config', configFile],
    nodeOptions,
    logFile,
    isReady: () => isReadyAt(healthPort),
  })
}

function placed(realm: RealmPlan, folder: string, name: string): RealmPlan {
  const directory = join(folder, 'realms', name)
  const logFile = join(folder, 'logs', `${name}.log`)
  return { ...realm, directory, configFile: join(directory, 'realm.json'), logFile }
}

interface RealmWanted {
  readonly realm: RealmPlan
  readonly plan: WorldPlan
  readonly certificates: DevelopmentCertificates
  readonly store: object
  readonly nodeOptions: readonly string[]
}

async function startRealm(wanted: RealmWanted): Promise<RealmUnderTest> {
  const { realm, plan, certificates, store, nodeOptions } = wanted
  const [own] = certificates.realms
  if (own === undefined) throw new Error('No certificates were made for the realm.')
  const settings = realmSettings({ realm, plan, certificates: own, shared: certificates })
  writeJson(realm.configFile, { ...settings, ...LIMITS_OF_REALM, store })
  await prepareRealm(realm, own)
  const running = await startProcess({
    name: `realm ${realm.name}`,
    command: [KEYREALM, 'serve', '--config', realm.configFile],
    nodeOptions,
    logFile: realm.logFile,
    isReady: () => isReadyAt(realm.healthPort),
  })
  return { plan: realm, pid: running.pid, stop: running.stop }
}
