// A core as a process of its own, to be killed at any moment and started again on the same ports and database. The
// realm, the identity provider and whoever asks live outside it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ACME, type CoreWorld, openCoreWorld } from './world.ts'

export interface KilledCore {
  readonly world: CoreWorld
  start(): Promise<void>
  /** SIGKILL: nothing is finished, nothing is closed. */
  kill(): Promise<void>
  close(): Promise<void>
}

const MAIN = join(import.meta.dirname, '../../../src/core/main.ts')
const PROGRAM = `import { runCore } from ${JSON.stringify(MAIN)}; await runCore(process.argv[1])`

/** A world whose core is not running yet. */
export const openKilledCore = async (limits: object): Promise<KilledCore> => {
  const world = await openCoreWorld()
  const { port, linkPort } = world.core
  await world.core.stop()
  // The world's own core has only reserved the ports.
  world.core = { ...world.core, stop: async () => undefined }
  const file = join(world.directory, 'process.json')
  const settings = settingsOf(world, { port, linkPort, limits })
  await writeFile(file, JSON.stringify(settings))
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'close')
    child.kill(signal)
    await ended
  }
  return {
    world,
    async start() {
      const started = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, file])
      child = started
      const text = { said: '' }
      const collect = (chunk: Buffer): void => {
        text.said += chunk
      }
      started.stdout.on('data', collect)
      started.stderr.on('data', collect)
      const ended = once(started, 'close').then(() => {
        throw new Error(`the core did not start: ${text.said}`)
      })
      ended.catch(() => undefined)
      while (!text.said.includes('process.ready')) {
        await Promise.race([once(started.stdout, 'data'), ended])
      }
    },
    kill: () => end('SIGKILL'),
    async close() {
      await end('SIGTERM')
      await world.close()
    },
  }
}

interface Wanted {
  readonly port: number
  readonly linkPort: number
  readonly limits: object
}

const settingsOf = ({ provider }: CoreWorld, { port, linkPort, limits }: Wanted) => {
  const tls = { host: '127.0.0.1', certFile: 'cert.pem', keyFile: 'key.pem' }
  return {
    listen: { ...tls, port },
    link: { ...tls, port: linkPort, clientCaFile: 'ca.pem' },
    health: { port: 0 },
    database: { file: 'core.sqlite' },
    identity: {
      issuer: provider.issuer,
      clientId: 'core',
      clientSecretFile: 'secret',
      tlsCaFile: 'ca.pem',
      believedForMs: 0,
    },
    realms: [{ domain: ACME.domain, organizationIds: [ACME.organizationId] }],
    limits,
  }
}
