// The operator's page and the auditor's page in their fast form, which needs no root: one user does everything, in folders
// of this machine, and what only a package manager and systemd can do is done by their closest kin. As they stand, and by
// whom they say, release/systemd.test.ts runs them on a machine of their own.

import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type Child, superviseChild } from '../../scripts/dev/supervise/child.ts'
import { KEYREALM } from '../../scripts/dev/world/prepare.ts'
import {
  assertAudited,
  assertOperated,
  assertServed,
  follow,
  type PageMachine,
  type Reader,
} from '../support/pages.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)

let world: RunningWorld
let realm: Child
let reader: Reader
// Without a space: the pages quote no paths.
const home = mkdtempSync(join(tmpdir(), 'keyrealm-pages-'))
const at = (name: string): string => join(home, name)

/** The page's places, as they are here. */
const here = (text: string): string =>
  text
    .replaceAll('/etc/keyrealm', at('etc'))
    .replaceAll('/var/lib/keyrealm', at('var'))
    .replaceAll('/media/', `${at('media')}/`)

/** Who does it is always the same here, and a realm that starts is one that is ready. */
const PROGRAMS = {
  keyrealm: `exec "${process.execPath}" "${KEYREALM}" "$@"`,
  node: `exec "${process.execPath}" "$@"`,
  apt: 'exit 0',
  runuser: 'shift 3; exec "$@"',
  install: 'shift 2; exec /usr/bin/install "$@"',
}

const systemctl = (verb: string | undefined): Promise<void> =>
  verb === 'stop' ? realm.stop() : realm.start()

const machine: PageMachine = {
  line: async (line) => {
    const [program, verb] = line.split(' ')
    if (program === 'systemctl') {
      await systemctl(verb)
      return ''
    }
    const env = { ...process.env, PATH: `${at('bin')}:${process.env['PATH']}` }
    const { stdout } = await run('sh', ['-eu', '-c', here(line)], { cwd: ROOT, env })
    return stdout
  },
  read: (path) => readFileSync(here(path), 'utf8'),
  write: (path, text) => writeFileSync(here(path), here(text)),
}

before(async () => {
  world = await startRunningWorld()
  await world.realm.stop()
  for (const name of ['bin', 'etc', 'var']) mkdirSync(at(name), { mode: 0o700 })
  for (const [name, text] of Object.entries(PROGRAMS)) {
    writeFileSync(at(`bin/${name}`), `#!/bin/sh\n${text}\n`)
    chmodSync(at(`bin/${name}`), 0o755)
  }
  // Free ports are nothing that a page can know.
  const { listeners } = JSON.parse(readFileSync(world.acme.configFile, 'utf8'))
  reader = { machine, world, listeners }
  realm = superviseChild({
    name: 'keyrealm.service',
    command: [KEYREALM, 'serve', '--config', at('etc/appliance.json')],
    logFile: at('realm.log'),
    answers: async () => (await world.page(world.acme.healthPort, '/readyz')).status === 200,
  })
})
after(async () => {
  await realm?.stop()
  await world?.close()
  rmSync(home, { recursive: true, force: true })
})

test('the operator’s page leads from nothing to a realm that serves, is backed up and put back', async () => {
  assertOperated(await follow('OPERATING.md', reader))
  await assertServed(world)
})

test('the auditor’s page gives the verdicts that it promises', async () => {
  assertAudited(await follow('AUDITING.md', reader))
})
