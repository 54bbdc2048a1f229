// A bare Debian in a folder: what debootstrap calls minbase, with no Node, and no network but its own loopback while
// something runs in it. Only root can have one, and only where there is debootstrap and, once, an archive of Debian's.

import {
  type ChildProcess,
  execFileSync,
  type SpawnSyncReturns,
  spawn,
  spawnSync,
} from 'node:child_process'
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/debian')
const SUITE = 'bookworm'

const has = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`], { env: pathOfRoot() }).status === 0

const pathOfRoot = () => ({ ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` })

/** Made once and kept; undefined if it cannot be made here, with a notice of why. `more` are packages beyond the least. */
export const bareDebian = (more: readonly string[] = []): string | undefined => {
  const notice = (why: string): undefined => void console.log(`# no Debian to install into: ${why}`)
  if (process.getuid?.() !== 0) return notice('only root can make a chroot')
  const missing = ['debootstrap', 'unshare', 'ip', 'chroot'].find((program) => !has(program))
  if (missing !== undefined) return notice(`${missing} is not installed`)
  const base = join(CACHE, [SUITE, ...more].join('-'))
  if (existsSync(base)) return base
  const unfinished = `${base}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(CACHE, { recursive: true })
  const made = spawnSync(
    'debootstrap',
    ['--variant=minbase', `--include=${['adduser', ...more].join()}`, SUITE, unfinished],
    {
      env: pathOfRoot(),
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  if (made.status !== 0) return notice('debootstrap did not succeed')
  renameSync(unfinished, base)
  return base
}

export interface Chroot {
  readonly root: string
  /** Runs to its end. */
  run(script: string): SpawnSyncReturns<string>
  /** Runs in a network of its own, in which only loopback is up; ends with the returned process. */
  runAlone(script: string): ChildProcess
  write(path: string, content: string | Uint8Array, mode?: number): void
  remove(): void
}

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', HOME: '/root' }

export const openChroot = (base: string, root: string): Chroot => {
  execFileSync('cp', ['-a', base, root])
  execFileSync('mount', ['-t', 'proc', 'proc', join(root, 'proc')])
  return {
    root,
    run: (script) =>
      spawnSync('/usr/sbin/chroot', [root, '/bin/sh', '-euc', script], {
        encoding: 'utf8',
        env: ENVIRONMENT,
      }),
    runAlone: (script) => {
      const alone = 'ip link set lo up; exec chroot "$0" /bin/sh -euc "$1"'
      return spawn('unshare', ['--net', 'sh', '-euc', alone, root, script], {
        env: ENVIRONMENT,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    },
    write: (path, content, mode = 0o644) => {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), content, { mode })
    },
    remove: () => {
      spawnSync('umount', [join(root, 'proc')])
      rmSync(root, { recursive: true, force: true })
    },
  }
}

export const copyInto = ({ root }: Chroot, file: string, path: string): void =>
  cpSync(file, join(root, path))
