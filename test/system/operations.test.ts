// A realm as its operators run it, by the command line and the listeners, while clients talk: lock and unlock, a new
// identity, lists, logs, numbers, and a stop that loses nothing.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateKeyPem, issueCertificate } from '../../scripts/dev/certs/issue.ts'
import type { KeyrealmClient } from '../../src/client/index.ts'
import { assertNumbered } from '../support/numbered.ts'
import { type RemoteDevice, remoteDevice } from '../support/remote-device.ts'
import { type Ran, type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { aRoom } from '../support/world.ts'
import { areRecorded, areStillThere, createKeysDuring, statusOf, until } from './flow.ts'

let world: RunningWorld
let alice: KeyrealmClient
let remote: RemoteDevice
before(async () => {
  world = await startRunningWorld()
  alice = await world.client('alice')
  remote = await remoteDevice(world, 'alice')
  await remote.device.shake()
})
after(async () => {
  remote?.close()
  await world?.close()
})

const good = async (...command: string[]): Promise<string> => {
  const { code, out, error } = await world.keyrealm(...command)
  assert.deepEqual({ code, error }, { code: 0, error: '' }, command.join(' '))
  return out
}
const refused = async (code: string, ...command: string[]): Promise<Ran> => {
  const ran = await world.keyrealm(...command)
  assert.equal(ran.code, 1, command.join(' '))
  assert.ok(ran.error.includes(`(${code})`), ran.error)
  return ran
}
const rows = (out: string): readonly (readonly string[])[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
const health = (path: string) => world.page(world.acme.healthPort, path)
const pingStatus = async () => (await remote.device.ask('update', '/ping'))['status']
const lastOf = async (action: string) =>
  (await world.entries()).findLast((entry) => entry['action'] === action)

test('status says which realm this is and how it is', async () => {
  const status = JSON.parse(await good('status', '--json'))
  const { realm, state, link, store } = status
  assert.deepEqual(
    { realm, state, link, store },
    {
      realm: { name: 'Acme', domain: world.acme.domain },
      state: 'ready',
      link: 'connected',
      store: 'sqlite',
    },
  )
  const names = rows(await good('status')).map(([name]) => name)
  assert.deepEqual(names, Object.keys(status))
})

test('people, rooms and identities are listed, people under their pseudonyms', async () => {
  const people = rows(await good('users', 'list'))
  const [, organization, pseudonym] = people.find(([id]) => id === world.user('alice').id) ?? []
  assert.equal(organization, world.acme.id)
  assert.equal(people.length, 5)
  const { resource } = await aRoom(remote.device, [world.user('bob').id])
  const rooms = rows(await good('rooms', 'list'))
  assert.deepEqual(
    rooms.find(([uri]) => uri === resource.uri),
    // The last column says since when its keys are stale: never.
    [resource.uri, pseudonym, '2', '1', '-'],
  )
  const identities = rows(await good('identity', 'list'))
  assert.match(String(identities[0]?.[0]), /^kms:\/\/kms\.acme\.example\/statickeys\/\d+$/)
})

test('the audit log is shown in order, by page, as it was hashed', async () => {
  const shown = rows(await good('audit', 'show', '--limit', '5'))
  assert.deepEqual(
    shown.map(([sequence]) => sequence),
    ['1', '2', '3', '4', '5'],
  )
  const page = await world.page(world.acme.logPort, '/log/entries?limit=5')
  const { entries }: { entries: { sequence: number; body: string }[] } = JSON.parse(page.body)
  assert.deepEqual(
    entries.map(({ body }) => body),
    shown.map(([, body]) => body),
  )
  assertNumbered(entries)
  assert.equal(rows(await good('audit', 'show', '--after', '5', '--limit', '1'))[0]?.[0], '6')
  assert.equal((await lastOf('audit.read'))?.['outcome'], 'done')
})

test('health, readiness and metrics are there, and nothing else is', async () => {
  assert.deepEqual(await health('/healthz'), { status: 200, body: '{"status":"live"}' })
  const { status, body } = await health('/readyz')
  assert.equal(status, 200)
  assert.deepEqual(JSON.parse(body), {
    status: 'ready',
    parts: { store: 'ok', link: 'ok', keys: 'ok', log: 'ok', shipping: 'ok', witnesses: 'ok' },
  })
  const metrics = await health('/metrics')
  assert.match(metrics.body, /^realm_links_core_posts_\w*\{[^}]*outcome="answered"[^}]*\} [1-9]/m)
  assert.match(metrics.body, /^realm_links_core_lines_count\S* 1$/m)
  for (const path of ['/', '/admin/v1/status', '/log/entries']) {
    assert.equal((await health(path)).status, 404, path)
  }
})

test('the admin listener answers nobody without its token, and says so in the log', async () => {
  const { adminPort } = world.acme
  for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
    assert.equal((await world.page(adminPort, '/admin/v1/status', headers)).status, 401)
  }
  assert.equal((await lastOf('admin.refused'))?.['code'], 'http.unauthenticated')
})

test('a locked realm lives, is not ready and answers 503; unlocked it goes on with the same sessions', async () => {
  const session = remote.device.channel.uri
  await good('lock')
  assert.equal((await health('/healthz')).status, 200)
  const { status, body } = await health('/readyz')
  assert.deepEqual([status, JSON.parse(body).parts.keys], [503, 'locked'])
  assert.equal(JSON.parse(await good('status', '--json')).state, 'locked')
  const sealed = await remote.device.seal(
    remote.device.request({ method: 'create', uri: '/keys', count: 1 }),
  )
  await until('the core knows', async () => {
    assert.deepEqual(await remote.device.post([sealed]), [])
    return remote.lastStatus() === 503
  })
  await refused('admin.wrong-passphrase', 'unlock', '--passphrase-file', wrongPassphrase())
  assert.equal((await health('/readyz')).status, 503)
  const asked = alice.ask({ method: 'create', uri: '/keys', members: { count: 1 } })
  await good('unlock')
  await until('the realm is ready', async () => (await health('/readyz')).status === 200)
  assert.equal((await asked)['status'], 201, 'who asked meanwhile is answered now')
  assert.equal(await pingStatus(), 200)
  assert.equal(remote.device.channel.uri, session)
  const actions = (await world.entries()).map(({ action, outcome }) => `${action} ${outcome}`)
  const life = actions.filter((action) => /^realm\.(un)?locked/.test(action)).slice(-3)
  assert.deepEqual(life, ['realm.locked done', 'realm.unlocked refused', 'realm.unlocked done'])
  await refused('admin.already-unlocked', 'unlock')
})

const fileIn = (name: string, content: string): string => {
  const file = join(world.acme.directory, name)
  writeFileSync(file, content, { mode: 0o600 })
  return file
}
const wrongPassphrase = (): string => fileIn('wrong', 'not the passphrase')

/** Another identity of the realm, of the same authority. */
const newIdentity = (domain = world.acme.domain) => {
  const folder = join(world.certificates.directory, 'realms/acme')
  const issuer = {
    certificatePem: readFileSync(join(folder, 'identity-issuer.pem'), 'utf8'),
    keyPem: readFileSync(join(folder, 'identity-issuer-key.pem'), 'utf8'),
  }
  const root = readFileSync(join(folder, 'identity-ca.pem'), 'utf8')
  const keyPem = generateKeyPem()
  const profile = { kind: 'identity', commonName: domain, dnsNames: [domain], ipAddresses: [] }
  const leaf = issueCertificate({ ...profile, kind: 'identity' }, keyPem, issuer)
  return {
    key: fileIn('new-key.pem', keyPem),
    chain: fileIn('new-chain.pem', [leaf, issuer.certificatePem, root].join('\n')),
  }
}
const publishedKid = async (): Promise<string> => {
  const fresh = await remoteDevice(world, 'bob')
  fresh.close()
  return fresh.staticKid
}

test('an identity that does not fit is refused and changes nothing', async () => {
  const { key } = newIdentity()
  const { chain } = newIdentity('kms.globex.example')
  await refused('main.identity-refused', 'identity', 'import', '--key', key, '--chain', chain)
  const own = newIdentity()
  const another = fileIn('another-key.pem', generateKeyPem())
  await refused(
    'main.identity-refused',
    ...['identity', 'import', '--key', another, '--chain', own.chain],
  )
  assert.equal(rows(await good('identity', 'list')).length, 1)
})

test('a new identity reaches new clients; running ones go on, and the old key still opens handshakes', async () => {
  const old = await remoteDevice(world, 'bob')
  const { key, chain } = newIdentity()
  const imported = (await good('identity', 'import', '--key', key, '--chain', chain)).trim()
  assert.notEqual(imported, old.staticKid)
  assert.equal(rows(await good('identity', 'list'))[0]?.[0], imported)
  await until('the core publishes it', async () => (await publishedKid()) === imported)
  await alice.ping()
  assert.equal(await pingStatus(), 200)
  assert.equal((await old.device.shake())['status'], 201)
  assert.equal((await old.device.ask('update', '/ping'))['status'], 200)
  old.close()
  const bob = await world.client('bob')
  await bob.ping()
  const fresh = await remoteDevice(world, 'carol')
  assert.equal(fresh.staticKid, imported)
  assert.equal((await fresh.device.shake())['status'], 201)
  fresh.close()
  await world.realm.restart()
  assert.equal(await pingStatus(), 200)
})

test('a realm that is stopped in order answers what it took, says goodbye in its log, and loses nothing', async () => {
  const keys = await createKeysDuring(alice, 30, async () => {
    await world.realm.stop()
    await world.realm.start()
  })
  assert.equal(await pingStatus(), 200)
  await areStillThere(alice, keys)
  await areRecorded(world, keys)
  const actions = (await world.entries()).map(({ action }) => action)
  const stopped = actions.lastIndexOf('process.stopped')
  assert.equal(actions.indexOf('process.started', stopped), stopped + 1)
  const log = readFileSync(world.acme.logFile, 'utf8')
  const stops = log.split('\n').filter((line) => line.includes('process.stopped'))
  assert.ok(stops.at(-1)?.includes('"isClean":true'), stops.at(-1))
})

test('settings that are not good stop the start and name the path', async () => {
  const settings = JSON.parse(readFileSync(world.acme.configFile, 'utf8'))
  const bad = fileIn('bad.json', JSON.stringify({ ...settings, rsa: { treads: 2 } }))
  for (const command of [['serve'], ['config', 'check'], ['init']]) {
    const { code, error } = await world.keyrealm(...command, '--config', bad)
    assert.notEqual(code, 0)
    assert.match(error, /rsa\.treads/)
  }
  assert.match(await good('config', 'check'), /good/)
})

test('a refused retrieval is told to the client and recorded', async () => {
  const bob = await world.client('bob')
  const key = await alice.keys.takeUnbound()
  assert.equal(await statusOf(bob.keys.retrieve(key.uri)), 403)
  assert.equal((await world.entries()).at(-1)?.['outcome'], 'refused')
})
