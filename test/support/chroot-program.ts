// Stands for the checkout's program in worlds (KEYREALM_PROGRAM=<this file>) and becomes the one installed in the chroot that
// KEYREALM_CHROOT names: same process id, the unit's user and rights, the system read-only. Of the world the process sees
// the folder of its settings, and what these and the command line name, read-only; its mounts are its own and go with it.

import { chownSync, existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readUnit, type Unit, underUnit } from './installed-unit.ts'

const stringsIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(stringsIn)
}

interface Account {
  readonly uid: number
  readonly gid: number
}

const accountOf = (root: string, user: string): Account => {
  const lines = readFileSync(join(root, 'etc/passwd'), 'utf8').split('\n')
  const [, , uid, gid] = lines.find((line) => line.startsWith(`${user}:`))?.split(':') ?? []
  if (uid === undefined || gid === undefined) throw new Error(`nobody is called ${user}`)
  return { uid: Number(uid), gid: Number(gid) }
}

/** As an operator does who hands files to the service. What everybody may read stays as it is, and links are not followed. */
const give = (path: string, account: Account): void => {
  const found = lstatSync(path)
  if (found.isDirectory()) for (const name of readdirSync(path)) give(join(path, name), account)
  if (found.isDirectory() || (found.mode & 0o004) === 0) chownSync(path, account.uid, account.gid)
}

const ENTER = `
  umask 022
  root=$1 own=$2
  shift 2
  mount --bind "$root" "$root"
  mount -t proc -o nosuid,nodev,noexec,hidepid=invisible,subset=pid proc "$root/proc"
  mount -t tmpfs -o nosuid,nodev,mode=1777 tmp "$root/tmp"
  place() {
    if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root\${1%/*}"; : > "$root$1"; fi
    mount --bind "$1" "$root$1"
  }
  place "$own"
  while [ "$1" != -- ]; do
    place "$1"
    mount -o remount,bind,ro "$root$1"
    shift
  done
  shift
  mount -o remount,bind,ro "$root"
  exec chroot "$root" "$@"
`

/** The unit's Node; under its permission model, the world's folders are added to what it may read and write. */
const widened = ({ node }: Unit, own: string, named: readonly string[]): readonly string[] =>
  node.includes('--permission')
    ? [
        ...node,
        ...[own, ...named].map((path) => `--allow-fs-read=${path}`),
        `--allow-fs-write=${own}`,
      ]
    : node

const root = process.env['KEYREALM_CHROOT']
const command = process.argv.slice(2)
const config = command[command.indexOf('--config') + 1]
if (root === undefined || config === undefined || !config.startsWith('/tmp/'))
  throw new Error('KEYREALM_CHROOT must name a chroot, and --config settings below /tmp')

const own = dirname(config)
const settings: unknown = JSON.parse(readFileSync(config, 'utf8'))
const named = [...new Set([...stringsIn(settings), ...command])].filter(
  (path) => path.startsWith('/tmp/') && !path.startsWith(`${own}/`) && existsSync(path),
)
const unit = readUnit(root, command[0] === 'core' ? 'keyrealm-core' : 'keyrealm')
for (const path of [own, ...named]) give(path, accountOf(root, unit.user))
const words = underUnit(unit, { node: widened(unit, own, named), command })
process.execve?.(
  '/usr/bin/unshare',
  ['unshare', '--mount', 'sh', '-euc', ENTER, 'sh', root, own, ...named, '--', ...words],
  { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
)
