// A whole development world on one machine: identity provider, core and two realms, each a process of its own.
// Loopback only. It starts what belongs to it, stops what it started, and touches no other process.
import { mkdirSync } from 'node:fs'
import { get } from 'node:http'
import {
  type DevelopmentCertificates,
  makeDevelopmentCertificates,
  type RealmCertificates,
} from '../make-dev-certs.ts'
import { openHttpsClient } from './https-client.ts'
import { type Child, superviseChild } from './supervise/child.ts'
import { type Control, isWorldRunningIn, openControl } from './supervise/control.ts'
import { planWorld, type RealmPlan, type WorldChoices, type WorldPlan } from './world/plan.ts'
import { KEYREALM, letIndex, prepareRealm } from './world/prepare.ts'
import { coreSettings, realmSettings, writeJson } from './world/settings-files.ts'

export interface World {
  readonly plan: WorldPlan
  readonly certificates: DevelopmentCertificates
  /** Resolves when every process answers. Throws, with the end of a log, when one does not. */
  start(): Promise<void>
  /** Ends every process, realms first. Works at any time, also during start. */
  stop(): Promise<void>
}

export async function createWorld(choices: WorldChoices): Promise<World> {
  const plan = planWorld(choices)
  mkdirSync(plan.data, { recursive: true, mode: 0o700 })
  if (await isWorldRunningIn(plan.data)) throw new Error(`A world runs in ${plan.data} already.`)
  const certificates = makeDevelopmentCertificates({
    directory: plan.certificates,
    realms: plan.realms,
  })
  writeSettings(plan, certificates)

  const provider = identityProvider(plan, certificates)
  const core = cloudCore(plan)
  const realms = new Map(plan.realms.map((realm) => [realm.name, appliance(realm)]))
  let control: Control | undefined
  return {
    plan,
    certificates,
    async start() {
      await provider.start()
      await core.start()
      await Promise.all(plan.realms.map((realm) => startRealm(realm, certificates, realms)))
      control = await openControl(plan.data, realms)
    },
    async stop() {
      control?.close()
      await Promise.all([...realms.values()].map((realm) => realm.stop()))
      await core.stop()
      await provider.stop()
    },
  }
}

function writeSettings(plan: WorldPlan, certificates: DevelopmentCertificates): void {
  writeJson(plan.core.configFile, coreSettings(plan, certificates))
  for (const realm of plan.realms) {
    const own = certificatesOf(realm, certificates)
    const from = { realm, plan, certificates: own, shared: certificates }
    writeJson(realm.configFile, realmSettings(from))
  }
}

function identityProvider(plan: WorldPlan, certificates: DevelopmentCertificates): Child {
  const { directory, port, issuer, logFile } = plan.identityProvider
  const { chainFile, keyFile } = certificates.identityProvider
  const program = `${import.meta.dirname}/identity-provider.ts`
  const tls = ['--cert', chainFile, '--key', keyFile]
  return superviseChild({
    name: 'identity provider',
    command: [program, '--data', directory, '--port', String(port), ...tls],
    logFile,
    async answers() {
      using client = openHttpsClient(issuer, certificates.tlsCaFile)
      return (await client.ask({ url: '/.well-known/openid-configuration' })).status === 200
    },
  })
}

function cloudCore({ core }: WorldPlan): Child {
  return superviseChild({
    name: 'core',
    command: [KEYREALM, 'core', '--config', core.configFile],
    logFile: core.logFile,
    answers: () => isReadyAt(core.healthPort),
  })
}

function appliance({ name, configFile, logFile, healthPort }: RealmPlan): Child {
  return superviseChild({
    name,
    command: [KEYREALM, 'serve', '--config', configFile],
    logFile,
    answers: () => isReadyAt(healthPort),
  })
}

async function startRealm(
  realm: RealmPlan,
  certificates: DevelopmentCertificates,
  children: ReadonlyMap<string, Child>,
): Promise<void> {
  await prepareRealm(realm, certificatesOf(realm, certificates))
  await letIndex(realm)
  await children.get(realm.name)?.start()
}

function certificatesOf(realm: RealmPlan, made: DevelopmentCertificates): RealmCertificates {
  const found = made.realms.find((one) => one.name === realm.name)
  if (!found) throw new Error(`No certificates were made for ${realm.name}.`)
  return found
}

function isReadyAt(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asked = get({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    asked.on('error', reject)
    asked.setTimeout(2_000, () => asked.destroy(new Error('no answer')))
  })
}
