// A bare Debian in a folder: what debootstrap calls minbase, with no Node. Only root can have one, and only where there is
// debootstrap and, once, an archive of Debian's. What is mounted for a command is mounted for it alone, and gone with it.

import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
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

/**
 * From here on this process, and all that it starts, has a network of its own in which only loopback is up. It is the same
 * process and begins again: to be called before anything else is done.
 */
export const leaveTheNetwork = (): void => {
  if (Object.keys(networkInterfaces()).join() === 'lo') return
  const alone = 'exec unshare --net sh -euc \'ip link set lo up; exec "$@"\' sh "$@"'
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  process.execve?.('/bin/sh', ['sh', '-euc', alone, 'sh', ...again], pathOfRoot())
}

export interface Chroot {
  readonly root: string
  /** Runs to its end, within two minutes, with `/proc`, and `words` as the script's "$@". */
  run(script: string, ...words: readonly string[]): SpawnSyncReturns<string>
  write(path: string, content: string | Uint8Array, mode?: number): void
  remove(): void
}

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', HOME: '/root' }
const RUN_WITHIN_MS = 120_000
const ENTER = 'mount -t proc proc "$0/proc"; exec chroot "$0" /bin/sh -euc "$@"'

export const openChroot = (base: string, root: string): Chroot => {
  execFileSync('cp', ['-a', base, root])
  return {
    root,
    run: (script, ...words) =>
      spawnSync('unshare', ['--mount', 'sh', '-euc', ENTER, root, script, 'sh', ...words], {
        encoding: 'utf8',
        env: ENVIRONMENT,
        timeout: RUN_WITHIN_MS,
        killSignal: 'SIGKILL',
      }),
    write: (path, content, mode = 0o644) => {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), content, { mode })
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

export const copyInto = ({ root }: Chroot, file: string, path: string): void =>
  cpSync(file, join(root, path))
