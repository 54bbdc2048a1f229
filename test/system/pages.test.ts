// The operator's page and the auditor's page, done: every line of their blocks of commands is run as it stands, in order,
// with folders and addresses of this machine; then two people exchange an encrypted message through the realm that came
// about. What only a package manager and systemd can do is done here by their closest kin: see `systemctl` below.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type Child, superviseChild } from '../../scripts/dev/supervise/child.ts'
import { KEYREALM } from '../../scripts/dev/world/prepare.ts'
import { signRequest } from '../support/authority.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)

let world: RunningWorld
let realm: Child
// Without a space: the pages quote no paths.
const home = mkdtempSync(join(tmpdir(), 'keyrealm-pages-'))
const at = (name: string): string => join(home, name)

/** The page's places and names, as they are here. */
const here = (text: string): string =>
  [
    ['/etc/keyrealm', at('etc')],
    ['/var/lib/keyrealm', at('var')],
    ['/media/', `${at('media')}/`],
    ['kms.acme.example', world.acme.domain],
  ].reduce((done, [there = '', now = '']) => done.replaceAll(there, now), text)

const blocksOf = (page: string, language: string): readonly string[] =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language)
    .map(([, , text]) => text ?? '')

const writeAnswers = (): void => {
  const [page = ''] = blocksOf('OPERATING.md', 'json')
  const answers = JSON.parse(here(page))
  const own = JSON.parse(readFileSync(world.acme.configFile, 'utf8'))
  const { settings } = answers
  settings.realm.organizations = own.realm.organizations
  settings.core.linkUrl = own.core.linkUrl
  // The provider of this world is one that the page cannot know, and so are free ports.
  Object.assign(settings, { identity: own.identity, listeners: own.listeners })
  writeFileSync(at('etc/answers.json'), JSON.stringify(answers))
}

/** What the enterprise and the core's operator do between two lines. */
const sign = async (): Promise<void> => {
  const { certificates } = world.plan
  const authority = (name: string) => ({
    certificatePem: readFileSync(`${certificates}/${name}.pem`, 'utf8'),
    keyPem: readFileSync(`${certificates}/${name}-key.pem`, 'utf8'),
  })
  const requests = [
    ['identity', 'identity.pem', authority('realms/acme/identity-ca')],
    ['link', 'link-signed.pem', authority('tls-ca')],
  ] as const
  for (const [request, signed, by] of requests) {
    const pem = await signRequest(readFileSync(at(`var/${request}.csr`), 'utf8'), by)
    writeFileSync(at(`etc/${signed}`), pem)
  }
}

/** The unit starts and stops this very command. */
const systemctl = (verb: string): Promise<void> => (verb === 'stop' ? realm.stop() : realm.start())

const runLine = async (line: string): Promise<string> => {
  if (line.startsWith('#')) return ''
  const [program, verb = ''] = line.split(' ')
  if (program === 'systemctl') {
    await systemctl(verb)
    return ''
  }
  if (line.includes('--continue --chain')) await sign()
  const env = { ...process.env, PATH: `${at('bin')}:${process.env['PATH']}` }
  const { stdout } = await run('sh', ['-eu', '-c', here(line)], { cwd: ROOT, env })
  return stdout
}

const runPage = async (page: string): Promise<ReadonlyMap<string, string>> => {
  const told = new Map<string, string>()
  for (const line of blocksOf(page, 'sh').join('').trim().split('\n')) {
    told.set(line, await runLine(line))
  }
  return told
}

before(async () => {
  world = await startRunningWorld()
  await world.realm.stop()
  for (const name of ['bin', 'etc', 'var', 'media/safe', 'media/backup', 'media/audit']) {
    mkdirSync(at(name), { recursive: true, mode: 0o700 })
  }
  writeFileSync(at('bin/keyrealm'), `#!/bin/sh\nexec "${process.execPath}" "${KEYREALM}" "$@"\n`)
  writeFileSync(at('bin/node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`)
  for (const name of ['keyrealm', 'node']) chmodSync(at(`bin/${name}`), 0o755)
  copyFileSync(join(world.plan.certificates, 'tls-ca.pem'), at('etc/core-ca.pem'))
  writeAnswers()
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

test('the operator’s page leads from nothing to a realm that serves, is backed up and put back', async (t) => {
  const began = performance.now()
  const told = await runPage('OPERATING.md')
  t.diagnostic(`the page took ${Math.round((performance.now() - began) / 1000)} s of machine time`)
  const said = (part: string) => [...told].find(([line]) => line.includes(part))?.[1] ?? ''
  assert.match(said('preflight'), /^0 errors/m)
  assert.match(said('status'), /state\t"ready"/)
  assert.match(said('rehearse-restore'), /^good\ttrue$/m)
  assert.ok(existsSync(at('var/restored/appliance.json')))

  const [alice, bob] = await Promise.all([world.client('alice'), world.client('bob')])
  const room = await alice.rooms.create({ title: 'Lunch', participantIds: [bob.userId] })
  await alice.rooms.post(room.id, 'Soup?')
  const read = await bob.rooms.history(room.id)
  assert.deepEqual(
    read.map(({ text }) => text),
    ['Soup?'],
  )
})

test('the auditor’s page gives the verdicts that it promises', async () => {
  const told = await runPage('AUDITING.md')
  const verdicts = [...told].filter(([line]) => line.startsWith('node verifier/'))
  assert.equal(verdicts.length, 3)
  const backups = [...told].find(([line]) => line.includes('backup.written'))?.[1] ?? ''
  assert.equal(JSON.parse(backups.split('\n')[0] ?? '').entry.action, 'backup.written')
})
