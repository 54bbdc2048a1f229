// A development world whose realms and core are the package installed in a chroot, run by chroot-program.ts; the identity
// provider and all clients are outside, on loopback. It is `scripts/start` without its demonstration, in a network of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gather } from '../../scripts/dev/demonstration/party.ts'
import { openHttpsClient } from '../../scripts/dev/https-client.ts'
import {
  describeWorld,
  type Ready,
  type ReadyUser,
  writeReadyFile,
} from '../../scripts/dev/ready-file.ts'
import { type Installed, processesOf } from './installed-processes.ts'

export interface InstalledWorld {
  start(): Promise<void>
  stop(): Promise<void>
  /** Of realms and core. */
  processes(): readonly Installed[]
  /** What the realms say that they are. */
  versions(): Promise<readonly string[]>
  /** Every message in every room of some of its people, opened with keys fetched now; as sorted lines. */
  readAll(): Promise<readonly string[]>
  /** Runs all of test/interop on it, to its end. */
  interop(): Promise<{ readonly code: number; readonly output: string }>
  close(): Promise<void>
}

const INTEROP = join(import.meta.dirname, '../interop/run.ts')
const PROGRAM = join(import.meta.dirname, 'chroot-program.ts')
const READERS = ['alice', 'bob', 'gina']
const MOST_MESSAGES = 500
/** Nobody else is in this network. */
const PORT_BASE = 7400

/** Nothing runs in it yet. `root` is the chroot's folder. */
export const openInstalledWorld = async (root: string): Promise<InstalledWorld> => {
  process.env['KEYREALM_PROGRAM'] = PROGRAM
  process.env['KEYREALM_CHROOT'] = root
  // The program is chosen when the world is loaded.
  const { createWorld } = await import('../../scripts/dev/world.ts')
  // Below /tmp, which every process of the package has for itself.
  const data = mkdtempSync('/tmp/keyrealm-installed-world-')
  const world = await createWorld({ dataDirectory: data, portBase: PORT_BASE })
  let suite: ChildProcess | undefined
  const leaveNothing = (): void => {
    suite?.kill('SIGTERM')
    rmSync(data, { recursive: true, force: true })
  }
  process.once('exit', leaveNothing)
  return {
    start: () => world.start(),
    stop: () => world.stop(),
    processes: () => processesOf(root, data),
    versions: () =>
      Promise.all(
        world.plan.realms.map(async ({ healthPort }) => {
          const answer = await fetch(`http://127.0.0.1:${healthPort}/version`)
          const { version }: { version: string } = JSON.parse(await answer.text())
          return version
        }),
      ),
    async readAll() {
      const ready = await describeWorld(world)
      await using party = gather(ready)
      const lines: string[] = []
      for (const name of READERS)
        lines.push(...(await readAs(await party.join(name), { ready, name })))
      return lines.sort()
    },
    async interop() {
      const readyFile = join(data, 'ready.json')
      writeReadyFile(readyFile, await describeWorld(world))
      // A runner of its own, and none of ours that reports to the one above.
      const { NODE_TEST_CONTEXT: _, ...environment } = process.env
      const env = { ...environment, KEYREALM_READY_FILE: readyFile }
      const started = spawn(process.execPath, [INTEROP], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      suite = started
      const ended = once(started, 'close')
      const output = await Promise.all([text(started.stdout), text(started.stderr)])
      const [code] = await ended
      return { code, output: output.join('') }
    },
    async close() {
      await world.stop()
      leaveNothing()
    },
  }
}

type Client = Awaited<ReturnType<ReturnType<typeof gather>['join']>>

const readAs = async (
  { rooms }: Client,
  { ready, name }: { readonly ready: Ready; readonly name: string },
): Promise<readonly string[]> => {
  const user = ready.realms.flatMap(({ users }) => users).find((one) => one.name === name)
  if (user === undefined) throw new Error(`nobody is called ${name}`)
  const lines: string[] = []
  for (const id of await roomsOf(ready, user)) {
    const messages = await rooms.history(id, { limit: MOST_MESSAGES })
    lines.push(...messages.map((one) => `${name} ${id} ${one.id} ${one.text}`))
  }
  return lines
}

const roomsOf = async ({ core }: Ready, { coreToken }: ReadyUser): Promise<readonly string[]> => {
  using client = openHttpsClient(core.baseUrl, core.tlsCaFile)
  const { status, body } = await client.ask({
    url: `${core.conversationUrl}/conversations?conversationsLimit=1000`,
    headers: { authorization: `Bearer ${coreToken}` },
  })
  if (status !== 200) throw new Error(`the core answers ${status}: ${body}`)
  const { items }: { items: readonly { id: string }[] } = JSON.parse(body)
  return items.map(({ id }) => id)
}
