// The commands about who reaches keys, as an administrator runs them beside a running realm: on the same
// database, effective with the next request.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runCli } from '../../src/admin/index.ts'
import { systemRandom } from '../../src/crypto/index.ts'
import { createRosters } from '../../src/kms/index.ts'
import { createCommands } from '../../src/main/commands.ts'
import { urisOf } from '../../src/protocol/index.ts'
import { before, seconds } from '../../src/time.ts'
import { aRoom, authorizationsOf, DOMAIN, PEOPLE, World } from '../support/world.ts'
import { aSettingsValue } from '../unit/config/example.ts'
import { ACME, GLOBEX } from '../unit/identity/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm commands '))
const config = join(folder, 'realm.json')
const { realm, ...others } = aSettingsValue()
writeFileSync(
  config,
  JSON.stringify({ ...others, realm: { ...realm, organizations: [{ id: ACME, name: 'Acme' }] } }),
)
const world = await World.open({ store: { kind: 'sqlite', file: join(folder, 'realm.sqlite') } })
after(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})
const alice = await world.signedIn('alice')
const bob = await world.signedIn('bob')

/** Exit code, rows, and what went wrong. */
const keyrealm = async (...words: readonly string[]) => {
  const [out, error]: [string[], string[]] = [[], []]
  const output = {
    out: (text: string) => void out.push(text),
    error: (text: string) => void error.push(text),
  }
  const args = [...words, '--config', config]
  const code = await runCli(createCommands(output), { version: '1' }, args, output)
  const rows = out
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'))
  return { code, rows, error: error.join('') }
}
const failed = async (pattern: RegExp, ...words: readonly string[]) => {
  const { code, error } = await keyrealm(...words)
  assert.equal(code, 1)
  assert.match(error, pattern)
}

const everything = () => ({ after: '', settled: world.now(), now: world.now(), limit: 100 })

describe('rooms', () => {
  test('list says since when one is stale, and stale lists those alone', async () => {
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    const rowOf = async (command: string) =>
      (await keyrealm('rooms', command)).rows.find(([uri]) => uri === resource.uri)
    assert.equal((await rowOf('list'))?.at(-1), '-')
    assert.equal(await rowOf('stale'), undefined)
    await alice.ask('delete', `${resource.uri}/authorizations?authId=${PEOPLE.bob}`)
    const since = new Date(world.now()).toISOString()
    assert.equal((await rowOf('list'))?.at(-1), since)
    assert.deepEqual(await rowOf('stale'), [resource.uri, since])
  })

  test('check says what differs, with 1 if anything does or nothing is known', async () => {
    await failed(/main\.never-compared/, 'rooms', 'check')
    const { resource } = await aRoom(alice, [PEOPLE.bob])
    world.advance(seconds(60))
    const rosters = createRosters({
      ...{ store: world.store, ledger: world.ledger, uris: urisOf(DOMAIN), random: systemRandom },
      now: () => world.now(),
      settleFor: seconds(30),
    })
    const others = (await world.store.read((tx) => tx.rosters.shared(everything()))).flatMap(
      (uri) => (uri === resource.uri ? [] : [{ resourceUri: uri, members: [PEOPLE.alice] }]),
    )
    const compare = (members: readonly string[]) =>
      rosters.take({ type: 'rosters', rooms: [{ resourceUri: resource.uri, members }, ...others] })
    await compare([PEOPLE.alice])
    const at = new Date(world.now()).toISOString()
    const pseudonym = (await world.pseudonymOf('bob')) ?? ''
    assert.deepEqual(await keyrealm('rooms', 'check'), {
      code: 1,
      rows: [
        [resource.uri, 'realm-only', pseudonym, at],
        ['compared', String(1 + others.length), at],
      ],
      error: '',
    })
    await compare([PEOPLE.alice, PEOPLE.bob])
    assert.equal((await keyrealm('rooms', 'check')).code, 0)
    // The rest is what a core could do that means to reassure.
    await rosters.take({ type: 'rosters', rooms: [] })
    const silent = await keyrealm('rooms', 'check')
    assert.equal(silent.code, 1)
    assert.match(silent.error, /main\.nothing-compared/)
    assert.ok(silent.rows.some(([uri, side]) => uri === resource.uri && side === 'unlisted'))
    await compare([PEOPLE.alice, PEOPLE.bob])
    assert.equal((await keyrealm('rooms', 'check')).code, 0)
    await world.ledger.commit(async (tx, now) => {
      await tx.rosters.checked({ checkedAt: before(now, seconds(26 * 3600)), rooms: 1 })
      return { result: undefined, acts: [] }
    })
    await failed(/main\.compared-long-ago/, 'rooms', 'check')
  })
})

describe('machines', () => {
  test('are added, granted, listed, revoked and disabled, each for the next request', async () => {
    const [room, other] = [await aRoom(alice), await aRoom(alice)]
    const added = await keyrealm('machines', 'add', '--name', 'indexer', '--organization', ACME)
    const subject = added.rows[0]?.[1] ?? ''
    const bot = world.deviceWith(subject, world.token(subject), 'https://core.example/devices/i')
    await bot.shake()
    const status = async (uri: string) => (await bot.ask('retrieve', uri))['status']
    const change = (command: string, ...where: readonly string[]) =>
      keyrealm('machines', command, '--name', 'indexer', '--feature', 'read-keys', ...where)
    assert.equal(await status(room.key.uri), 403)
    assert.equal((await change('grant', '--room', room.resource.uri)).code, 0)
    assert.deepEqual([await status(room.key.uri), await status(other.key.uri)], [200, 403])
    assert.equal((await change('grant', '--all')).code, 0)
    assert.equal(await status(other.key.uri), 200)
    assert.deepEqual((await keyrealm('access', 'list')).rows, [
      ['machine', 'indexer', 'read-keys', room.resource.uri],
      ['machine', 'indexer', 'read-keys', `every room of ${ACME}`],
      [
        'role',
        'spark.kms_orgagent',
        'read-keys',
        'as any person of the own organisation, in their rooms',
      ],
    ])
    assert.equal((await change('revoke', '--all')).code, 0)
    assert.deepEqual([await status(room.key.uri), await status(other.key.uri)], [200, 403])
    assert.equal((await keyrealm('machines', 'disable', '--name', 'indexer')).code, 0)
    assert.equal(await status(room.key.uri), 403)
    const [listed] = (await keyrealm('machines', 'list')).rows
    assert.deepEqual(listed?.slice(0, 3), ['indexer', subject, ACME])
    assert.match(listed?.at(-1) ?? '', /^disabled /)
    assert.equal((await keyrealm('access', 'list')).rows.length, 1)
  })

  test('are refused where something is wrong, with a word on what', async () => {
    const add = ['machines', 'add', '--organization', ACME, '--name']
    const grant = ['machines', 'grant', '--feature', 'read-keys', '--name']
    await keyrealm(...add, 'a-bot')
    await failed(/main\.machine-exists/, ...add, 'a-bot')
    await failed(/main\.invalid-name/, ...add, 'A Bot')
    await failed(/main\.invalid-user/, ...add, 'b-bot', '--subject', 'no-uuid')
    await failed(
      /main\.organization-not-served/,
      'machines',
      'add',
      '--name',
      'c',
      '--organization',
      GLOBEX,
    )
    await failed(/main\.unknown-machine/, ...grant, 'nobody', '--all')
    await failed(/main\.no-scope/, ...grant, 'a-bot')
    await failed(
      /main\.no-scope/,
      ...grant,
      'a-bot',
      '--room',
      'kms://kms.other.example/resources/1',
    )
    await failed(
      /main\.unknown-feature/,
      'machines',
      'grant',
      '--name',
      'a-bot',
      '--feature',
      'x',
      '--all',
    )
    await failed(
      /main\.not-granted/,
      'machines',
      'revoke',
      '--name',
      'a-bot',
      '--feature',
      'authorize',
      '--all',
    )
    await keyrealm('machines', 'disable', '--name', 'a-bot')
    await failed(/main\.machine-disabled/, ...grant, 'a-bot', '--all')
    assert.equal((await keyrealm(...grant, 'a-bot', '--all', '--room', 'r')).code, 2)
  })
})

describe('anonymous bearers', () => {
  test('are listed without their token, and switched off for the next request', async () => {
    const { resource, key } = await aRoom(alice)
    const fields = { resourceUri: resource.uri, anonymous: 1, ttl: 60 }
    const made = await alice.ask('create', '/authorizations', fields)
    const [{ uri, bearer }] = [authorizationsOf(made)[0] ?? { uri: '', bearer: '' }]
    const holder = world.deviceWith('', bearer ?? '', 'https://core.example/devices/holder')
    await holder.shake()
    assert.equal((await holder.ask('retrieve', key.uri))['status'], 200)
    const bearers = async () =>
      (await keyrealm('access', 'list')).rows.filter(([kind]) => kind === 'bearer')
    const until = new Date(world.now() + 60_000).toISOString()
    const maker = (await world.pseudonymOf('alice')) ?? ''
    assert.deepEqual(await bearers(), [['bearer', uri, resource.uri, maker, until]])
    assert.equal((await keyrealm('access', 'revoke', uri)).code, 0)
    await world.refused(await holder.ask('retrieve', key.uri), 403, 'identity.bearer-withdrawn')
    assert.deepEqual(await bearers(), [])
    await failed(/main\.unknown-bearer/, 'access', 'revoke', uri)
    await failed(/main\.unknown-bearer/, 'access', 'revoke', resource.uri)
    const named = authorizationsOf(await alice.ask('retrieve', `${resource.uri}/authorizations`))
    await failed(/main\.unknown-bearer/, 'access', 'revoke', named[0]?.uri ?? '')
  })
})

describe('users', () => {
  test('off-board takes somebody out at once and prints the proof; report prints it again', async () => {
    const { key } = await aRoom(alice, [PEOPLE.bob])
    assert.equal((await bob.ask('retrieve', key.uri))['status'], 200)
    const { code, rows } = await keyrealm('users', 'off-board', PEOPLE.bob)
    assert.equal(code, 0)
    await world.refused(await bob.ask('retrieve', key.uri), 403, 'identity.off-boarded')
    const said = new Map(rows.map(([name, ...values]) => [name, values]))
    assert.deepEqual(said.get('keys released since'), ['0'])
    assert.deepEqual(said.get('proven'), ['yes'])
    assert.deepEqual(said.get('pseudonym'), [(await world.pseudonymOf('bob')) ?? ''])
    const again = await keyrealm('users', 'report', PEOPLE.bob)
    assert.deepEqual([again.code, again.rows.at(-2)], [0, ['requests refused since', '1']])
  })

  test('are refused where there is nobody to off-board or to report', async () => {
    await failed(/main\.invalid-user/, 'users', 'off-board', 'bob')
    await failed(/main\.not-off-boarded/, 'users', 'report', PEOPLE.alice)
    const { rows } = await keyrealm('machines', 'add', '--name', 'm', '--organization', ACME)
    await failed(/main\.is-a-machine/, 'users', 'off-board', rows[0]?.[1] ?? '')
  })
})
