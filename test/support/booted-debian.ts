// A Debian with systemd running in it, in namespaces of its own: for what only a real systemd does. It shares the network of
// this process, which must have left the machine's, and dies with it at the latest. Only root can have one, and only where a
// cgroup2 hierarchy is mounted.

import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const BOOT = join(import.meta.dirname, 'boot-debian.sh')
const BOOT_TRIES = 100
const PAUSE_MS = 100
const RUN_WITHIN_MS = 60_000
/** Not this machine's: what is meant for the Debian is never done here, as long as it is not up. */
const MACHINE_ID = '0123456789abcdef'.repeat(2)
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', HOME: '/root' }

export interface BootedDebian {
  readonly root: string
  /** Controllers of cgroups that it has; without `memory` no limit of memory holds. */
  readonly controllers: readonly string[]
  /** Runs to its end, in the Debian and beside its services. */
  run(script: string): SpawnSyncReturns<string>
  write(path: string, content: string | Uint8Array, mode?: number): void
  /** Ends everything in it; the folder goes. */
  remove(): Promise<void>
}

/** Where this process may make a cgroup, below its own (proc(5), cgroups(7)). */
const ownCgroup = (): string | undefined => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const [, , , , at] = mounts.find((line) => line.includes(' - cgroup2 '))?.split(' ') ?? []
  const own = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
  return at === undefined || own === undefined ? undefined : join(at, own)
}

const enter = ({ pid }: ChildProcess, script: string): SpawnSyncReturns<string> => {
  const spaces = ['-m', '-u', '-i', '-C', `--pid=/proc/${pid}/ns/pid_for_children`]
  const guarded = `[ "$(cat /etc/machine-id)" = ${MACHINE_ID} ]\n${script}`
  return spawnSync('nsenter', ['-t', `${pid}`, ...spaces, '/bin/sh', '-euc', guarded], {
    encoding: 'utf8',
    env: ENVIRONMENT,
    timeout: RUN_WITHIN_MS,
  })
}

const isUp = async (init: ChildProcess): Promise<boolean> => {
  for (let left = BOOT_TRIES; left > 0 && init.exitCode === null; left--) {
    const { stdout } = enter(init, 'systemctl is-system-running || true')
    if (/^(?:running|degraded)$/m.test(stdout)) return true
    await pause(PAUSE_MS)
  }
  return false
}

const isGone = (cgroup: string): boolean => {
  try {
    rmdirSync(cgroup)
  } catch {
    // What was in it is still ending, or it never was.
  }
  return !existsSync(cgroup)
}

/** Folders of cgroups, the deepest first; the kernel lets them go when nothing is left in them. */
const removeCgroup = async (cgroup: string): Promise<void> => {
  const inner = await readdir(cgroup, { recursive: true, withFileTypes: true }).catch(() => [])
  const folders = inner
    .filter((one) => one.isDirectory())
    .map((one) => join(one.parentPath, one.name))
  for (const folder of [...folders.sort().reverse(), cgroup]) {
    for (let left = BOOT_TRIES; left > 0 && !isGone(folder); left--) await pause(PAUSE_MS)
  }
}

/**
 * Boots a copy of the Debian in `base`; undefined if it does not come up here, with a notice of why. Throws where more of a
 * network than loopback could be reached: `leaveTheNetwork` first.
 */
export const bootDebian = async (base: string, root: string): Promise<BootedDebian | undefined> => {
  if (Object.keys(networkInterfaces()).join() !== 'lo') throw new Error('this is no place to boot')
  const notice = (why: string): undefined => void console.log(`# no systemd to start under: ${why}`)
  const above = ownCgroup()
  if (above === undefined) return notice('there is no cgroup2 hierarchy')
  if (spawnSync('cp', ['-a', base, root]).status !== 0) return notice('no room for a copy')
  const cgroup = join(above, `keyrealm-test-${process.pid}`)
  const write: BootedDebian['write'] = (path, content, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content, { mode })
  }
  // Anything but a first boot, in which Debian starts all it has.
  write('/etc/machine-id', `${MACHINE_ID}\n`)
  write('/etc/hosts', '127.0.0.1 localhost\n')
  const init = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', BOOT, root, cgroup], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  init.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = once(init, 'close')
  const remove = async (): Promise<void> => {
    init.kill('SIGKILL')
    await ended
    await removeCgroup(cgroup)
    rmSync(root, { recursive: true, force: true })
  }
  if (!(await isUp(init))) {
    await remove()
    return notice(said.trim() || 'it does not come up')
  }
  const controllers = enter(init, 'cat /sys/fs/cgroup/cgroup.controllers').stdout.trim().split(' ')
  return { root, controllers, run: (script) => enter(init, script), write, remove }
}
