// `scripts/start`: brings a development world up, says where everything is, shows it working, and stops it on Ctrl-C.
// Nothing it starts outlives it.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { demonstrate } from './demonstration/demonstration.ts'
import { describeWorld, type Ready, removeReadyFile, writeReadyFile } from './ready-file.ts'
import { createWorld, type World } from './world.ts'

const HOME = resolve(import.meta.dirname, '../..')
const USAGE = 'Usage: scripts/start [--ready-file FILE] [--port-base N] [--data DIR]'
/** Tokens in the ready file are renewed long before they expire. */
const RENEW_EVERY_MS = 4 * 3600_000

const options = readOptions()
const readyFile = options.readyFile
let world: World | undefined
let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0))

try {
  world = await createWorld(options)
  if (readyFile) removeReadyFile(readyFile)
  await run(world)
} catch (error) {
  // A start that was interrupted fails, and that is no news.
  if (!isStopping) {
    console.error(`\n${error instanceof Error ? error.message : String(error)}`)
    stop(1)
  }
}

async function run(started: World): Promise<void> {
  const { plan } = started
  console.log(`Starting identity provider, core and ${plan.realms.length} realms in ${plan.data}`)
  await started.start()
  const ready = await describeWorld(started)
  if (readyFile) {
    writeReadyFile(readyFile, ready)
    setInterval(() => void renew(started, readyFile), RENEW_EVERY_MS).unref()
  }
  sayWhere(started, ready)
  keepAlive()
  await show(started, ready)
  console.log('\nCtrl-C stops it.')
}

/** A demonstration that fails is said and does not take the world down: it may be what somebody looks into. */
async function show({ plan }: World, ready: Ready): Promise<void> {
  const coreDatabase = `${plan.core.directory}/core.sqlite`
  const coreFiles = [coreDatabase, `${coreDatabase}-wal`, plan.core.logFile].filter(existsSync)
  try {
    await demonstrate({ ready, coreDatabase, coreFiles })
  } catch (error) {
    if (!isStopping) console.error('\nThe demonstration failed:', error)
  }
}

async function renew(started: World, file: string): Promise<void> {
  try {
    writeReadyFile(file, await describeWorld(started))
  } catch (error) {
    console.error('Tokens were not renewed:', error)
  }
}

function sayWhere({ plan, certificates }: World, ready: Ready): void {
  const people = (name: string) =>
    ready.realms.find((one) => one.name === name)?.users.map((user) => user.name) ?? []
  console.log(`
identity provider  ${plan.identityProvider.issuer}
core               ${plan.core.baseUrl}   health http://127.0.0.1:${plan.core.healthPort}/readyz
${plan.realms
  .map(
    (realm) => `${realm.name.padEnd(18)} kms://${realm.domain}   ${people(realm.name).join(', ')}
                   admin http://127.0.0.1:${realm.adminPort}   log http://127.0.0.1:${realm.logPort}   health http://127.0.0.1:${realm.healthPort}/readyz`,
  )
  .join('\n')}
TLS authority      ${certificates.tlsCaFile}
logs               ${plan.data}/logs/${readyFile ? `\nready file         ${readyFile}` : ''}`)
}

/** First wish: stop in order. Second wish: now; the children follow, each is on a leash. */
function stop(exitCode: number): void {
  if (isStopping || !world) process.exit(exitCode || 1)
  isStopping = true
  console.log('\nStopping ...')
  if (readyFile) removeReadyFile(readyFile)
  void world.stop().finally(() => process.exit(exitCode))
}

function keepAlive(): void {
  setInterval(() => undefined, 2 ** 30)
}

function readOptions() {
  const { values } = parseOptions()
  const portBase = Number(values['port-base'])
  if (!Number.isInteger(portBase) || portBase < 1024 || portBase > 65_000) {
    console.error(`--port-base must be a number from 1024 to 65000.\n${USAGE}`)
    process.exit(2)
  }
  const file = values['ready-file']
  return {
    portBase,
    dataDirectory: resolve(values.data),
    readyFile: file === undefined ? undefined : resolve(file),
  }
}

function parseOptions() {
  try {
    return parseArgs({
      options: {
        'ready-file': { type: 'string' },
        'port-base': { type: 'string', default: '7400' },
        data: { type: 'string', default: `${HOME}/data` },
      },
    })
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    process.exit(2)
  }
}
