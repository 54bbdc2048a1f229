// The installed programs, realm and core, carry a conversation: a key goes over the sealed channel to its owner and
// opens what was sealed with it. The core runs under Node's permissions, as its unit has it.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { buildRelease, scratchFolder, unpackRelease } from '../support/installed-release.ts'
import type { RunningWorld } from '../support/running-world.ts'

const scratch = scratchFolder()
const TREE = join(scratch.folder, 'tree')

describe('the installed programs', () => {
  let world: RunningWorld

  before(async () => {
    unpackRelease(buildRelease(scratch.folder, 'out').deb, TREE)
    process.env['KEYREALM_PROGRAM'] = join(TREE, 'usr/lib/keyrealm/program/keyrealm.mjs')
    // The program is chosen when the world is loaded.
    const { startRunningWorld } = await import('../support/running-world.ts')
    const rights = ['--permission', '--allow-addons', '--allow-worker', '--allow-fs-read=*']
    world = await startRunningWorld({ coreNode: [...rights, '--allow-fs-write=/tmp'] })
  })
  after(async () => {
    await world?.close()
    scratch.remove()
  })

  it('answer a ping over the sealed channel, and hand out keys', async () => {
    const [alice, bob] = [await world.client('alice'), await world.client('bob')]
    await alice.ping()
    const { id } = await alice.rooms.create({ title: 'Release', participantIds: [bob.userId] })
    await alice.rooms.post(id, 'as installed')
    const messages = await bob.rooms.history(id)
    assert.deepEqual(
      messages.map(({ text }) => text),
      ['as installed'],
    )
  })

  it('say that it is they who run', async () => {
    const { body } = await world.page(world.acme.healthPort, '/version')
    assert.match(JSON.parse(body).manifestSha256, /^[0-9a-f]{64}$/)
    const [started] = (await world.entries()).filter(({ action }) => action === 'process.started')
    assert.ok(started !== undefined)
    assert.deepEqual(
      Object.keys(JSON.parse(JSON.stringify(started['details']))).filter((name) =>
        /Sha256$/.test(name),
      ),
      [
        'configSha256',
        'manifestSha256',
        'nativeSha256',
        'packagesSha256',
        'programSha256',
        'runtimeSha256',
      ],
    )
  })
})
