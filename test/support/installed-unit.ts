// A unit of the installed package without systemd: its command, and those of its settings that any process can have.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Unit {
  readonly user: string
  readonly umask: string
  readonly environment: string
  /** The installed Node and its options. */
  readonly node: readonly string[]
  readonly program: string
  /** What the program is told. */
  readonly command: readonly string[]
}

const PROGRAM = '/usr/lib/keyrealm/program/keyrealm.mjs'

/** As it lies below `root`. Throws when it lacks something: a unit without a user would be run by root. */
export const readUnit = (root: string, name: 'keyrealm' | 'keyrealm-core'): Unit => {
  const text = readFileSync(join(root, `usr/lib/systemd/system/${name}.service`), 'utf8')
  const lines = text.replaceAll('\\\n', ' ').split('\n')
  const valueNamed = (setting: string): string => {
    const line = lines.find((one) => one.startsWith(`${setting}=`))
    if (line === undefined) throw new Error(`${name} has no ${setting}=`)
    return line.slice(setting.length + 1).trim()
  }
  const words = valueNamed('ExecStart').split(/\s+/)
  const at = words.indexOf(PROGRAM)
  if (at < 1) throw new Error(`${name} does not start ${PROGRAM}`)
  return {
    user: valueNamed('User'),
    umask: valueNamed('UMask'),
    environment: valueNamed('Environment'),
    node: words.slice(0, at),
    program: PROGRAM,
    command: words.slice(at + 1),
  }
}

const WITHOUT_RIGHTS = [
  ...['--clear-groups', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'],
  // Ends with whoever started it, as a service's processes end with it.
  ...['--pdeathsig', 'KILL'],
]

/** The words to run, as root of the chroot: one process from first to last, that of the program. */
export const underUnit = (unit: Unit, changes: Partial<Unit> = {}): readonly string[] => {
  const { user, umask, environment, node, program, command } = { ...unit, ...changes }
  return [
    ...['/bin/sh', '-euc', `umask ${umask}; ulimit -c 0; cd /; exec "$@"`, 'sh'],
    ...['env', environment, 'setpriv', '--reuid', user, '--regid', user, ...WITHOUT_RIGHTS],
    ...[...node, program, ...command],
  ]
}
