// The processes of the package installed in a chroot, as the kernel sees them from outside.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface Installed {
  /** By the chroot's own names; empty for somebody whom it does not know. */
  readonly user: string
  readonly command: string
  /** The chroot is all that it sees. */
  readonly isInside: boolean
  /** Where something is mounted that it may write to, if the owner of the files lets it. */
  readonly writable: readonly string[]
  /** Of `/proc/PID/status` and `/proc/PID/limits`, by the names there. */
  readonly rights: Readonly<Record<string, string>>
}

/** Those whose command line names something in `folder`. */
export const processesOf = (root: string, folder: string): readonly Installed[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && commandOf(name).includes(`${folder}/`))
    .map((pid) => toInstalled(pid, root))
    .filter(({ command }) => command.startsWith('/usr/lib/keyrealm/'))

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return '' // It ended.
  }
}

const toInstalled = (pid: string, root: string): Installed => {
  const [outside, inside] = [statSync(root), statSync(`/proc/${pid}/root`)]
  return {
    user: userOf(pid, root),
    command: commandOf(pid),
    isInside: outside.ino === inside.ino && outside.dev === inside.dev,
    writable: writableFor(pid),
    rights: rightsOf(pid),
  }
}

const statusOf = (pid: string): ((name: string) => string) => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (name) => new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(status)?.[1] ?? ''
}

const userOf = (pid: string, root: string): string => {
  const [uid] = statusOf(pid)('Uid').split('\t')
  const accounts = readFileSync(join(root, 'etc/passwd'), 'utf8').split('\n')
  const [name] = accounts.find((line) => line.split(':')[2] === uid)?.split(':') ?? []
  return name ?? ''
}

/** `36 35 98:0 /root /where rw,noatime …` */
const writableFor = (pid: string): readonly string[] =>
  readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , , , , options = '']) => options.split(',').includes('rw'))
    .map(([, , , , where = '']) => where)

const STATUS = ['CapEff', 'CapPrm', 'CapBnd', 'CapInh', 'CapAmb', 'NoNewPrivs', 'Groups', 'Umask']

const rightsOf = (pid: string): Readonly<Record<string, string>> => {
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8')
  const core = /^Max core file size\s+(\d+)\s+(\d+)/m.exec(limits)?.slice(1).join() ?? ''
  const named = statusOf(pid)
  return { ...Object.fromEntries(STATUS.map((name) => [name, named(name)])), core }
}
