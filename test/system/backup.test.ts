// A realm that serves is backed up, lost, and put back: keys from before the backup are served again from the restored
// folder, and an auditor finds its log whole, on from a copy, with the cut-off start explained.

import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { superviseChild } from '../../scripts/dev/supervise/child.ts'
import { KEYREALM } from '../../scripts/dev/world/prepare.ts'
import { type RunningWorld, runCommand, startRunningWorld } from '../support/running-world.ts'
import { keysOf } from '../support/world.ts'
import { createKeysDuring } from './flow.ts'

let world: RunningWorld
before(async () => {
  world = await startRunningWorld()
})
after(() => world?.close())

const alone = (...command: string[]) => runCommand(command)

const good = async (...command: string[]): Promise<string> => {
  const { code, out, error } = await world.keyrealm(...command)
  assert.deepEqual({ code, error }, { code: 0, error: '' }, command.join(' '))
  return out
}

test('what was there when the backup began is served by the realm put back from it', async (t) => {
  const { acme, plan } = world
  const folder = join(plan.data, 'safe')
  mkdirSync(folder)
  const [file, key] = [join(folder, 'b.age'), join(folder, 'recovery.key')]
  const { code, out: recipient } = await alone('recovery-key', '--out', key)
  assert.equal(code, 0)
  const alice = await world.client('alice')
  const room = await alice.rooms.create({ title: 'Lunch', participantIds: [] })
  await alice.rooms.post(room.id, 'Soup?')
  const before = await createKeysDuring(alice, 10, async () => {
    await good('backup', '--out', file, '--recipient', recipient.trim())
  })
  assert.equal(before.length, 10, 'nobody waited for the backup')
  const rehearsal = ['rehearse-restore', file, '--recovery-key', key, '--sandbox']
  const report = JSON.parse(await good(...rehearsal, join(folder, 'sandbox'), '--json'))
  assert.equal(report.good, true)

  await world.realm.stop()
  const to = join(plan.data, 'put back')
  const put = await alone(
    ...['restore', file, '--recovery-key', key, '--realm', acme.domain, '--to', to],
  )
  assert.equal(put.code, 0, put.error)
  copyFileSync(join(dirname(acme.configFile), 'passphrase'), join(to, 'passphrase'))
  rmSync(acme.directory, { recursive: true })
  mkdirSync(acme.directory)

  const config = join(to, 'appliance.json')
  const restored = superviseChild({
    name: 'restored',
    command: [KEYREALM, 'serve', '--config', config],
    logFile: join(to, 'restored.log'),
    answers: async () => (await world.page(acme.healthPort, '/readyz')).status === 200,
  })
  t.after(() => restored.stop())
  await restored.start()
  const again = await world.client('alice')
  const read = await again.rooms.history(room.id)
  assert.deepEqual(
    read.map(({ text }) => text),
    ['Soup?'],
  )
  const made = await again.ask({ method: 'create', uri: '/keys', members: { count: 1 } })
  assert.equal(keysOf(made).length, 1)
  await restored.stop()

  const [vkey = ''] = (await alone('audit', 'key', '--config', config)).out.split('\n')
  assert.match(vkey, /\/log\/2\+/)
  const log = join(folder, 'log')
  assert.equal((await alone('audit', 'export', '--config', config, '--to', log)).code, 0)
  writeFileSync(join(folder, 'key'), vkey)
  const verdict = await alone('audit', 'verify', log, '--key', join(folder, 'key'))
  assert.equal(verdict.code, 0, verdict.out)
  assert.match(verdict.out, /put back from a copy/)
})
