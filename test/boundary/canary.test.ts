// Canaries: known plaintext, keys, tokens and pass phrases go through a whole world, and then everything that the core
// keeps, says and carries, and everything that the realm leaves on its disk, is searched for them.

import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { sealFile, sealReference } from '../../src/client/index.ts'
import { openWithPassphrase, SecretBytes } from '../../src/crypto/index.ts'
import { findMarks, formsOf, type Hay, type Marks, textMark } from '../support/marks.ts'
import { type RemoteDevice, remoteDevice } from '../support/remote-device.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { authorizationsOf, keyOf, keysOf, resourceOf } from '../support/world.ts'

const PLANTED = 'planted-bird-of-no-secret'
const TITLE = 'Canary title sparrowhawk'
const LINES = ['Canary line goldcrest one', 'Canary line nuthatch two'] as const
const FILE_NAME = 'kms://canary-firecrest.example/keys/1'
const FILE = textMark('Canary file content treecreeper')

const taps = mkdtempSync(join(tmpdir(), 'keyrealm-taps-'))
const recorder = pathToFileURL(join(import.meta.dirname, '../support/recorder.ts'))
recorder.searchParams.set('to', taps)

let world: RunningWorld
const people: RemoteDevice[] = []
/** Known to people and realm alone. */
const sealed = new Map<string, Uint8Array>()
/** Also known to the core while it works; never written down. */
const passing = new Map<string, Uint8Array>()

before(async () => {
  world = await startRunningWorld({ coreNode: ['--import', recorder.href] })
  await talk()
  await askForKeys()
  await readOnBehalf()
  await makeNoise()
  for (const name of ['alice', 'bob', 'olivia']) {
    const { kmsToken, coreToken } = world.user(name)
    sealed.set(`${name}'s token for the realm`, textMark(kmsToken))
    sealed.set(`${name}'s signature`, textMark(kmsToken.split('.')[2] ?? ''))
    passing.set(`${name}'s token for the core`, textMark(coreToken))
  }
  rememberRealmSecrets()
})
after(async () => {
  for (const one of people) one.close()
  await world.close()
  rmSync(taps, { recursive: true, force: true })
})

/** People in a room, through the reference client. */
async function talk(): Promise<void> {
  const [alice, bob] = await Promise.all([world.client('alice'), world.client('bob')])
  const room = await alice.rooms.create({ title: TITLE, participantIds: [bob.userId] })
  const key = await alice.keys.retrieve(room.keyUri ?? '')
  for (const line of LINES) await alice.rooms.post(room.id, line)
  const { reference } = await sealFile(FILE, new Date())
  const sealedReference = await sealReference({ ...reference, loc: 'https://files.test/1' }, key)
  await bob.rooms.post(room.id, sealedReference)
  assert.equal((await bob.rooms.history(room.id))[0]?.text, LINES[0])
  sealed.set('the title', textMark(TITLE)).set('a file', FILE)
  for (const line of LINES) sealed.set(line, textMark(line))
  sealed.set('the room’s key', key.bytes).set('the file’s key', reference.key)
}

/** Keys, sessions and bearers whose bytes are known, and names that the core is meant to see. */
async function askForKeys(): Promise<void> {
  const remote = await remoteDevice(world, 'alice', { name: PLANTED })
  people.push(remote)
  const { device } = remote
  await device.shake()
  const keys = keysOf(await device.ask('create', '/keys', { count: 2 }))
  const [bound] = keys
  const keyUris = [bound?.uri]
  const { uri } = resourceOf(await device.ask('create', '/resources', { keyUris }))
  const wanted = { resourceUri: uri, anonymous: 1 }
  const [granted] = authorizationsOf(await device.ask('create', '/authorizations', wanted))
  assert.equal((await device.ask('retrieve', String(bound?.uri)))['status'], 200)
  assert.equal((await device.ask('retrieve', '/keys/nonsense'))['status'], 400)
  for (const { uri: key, jwk } of keys) sealed.set(key, Buffer.from(jwk.k, 'base64url'))
  sealed.set('the session’s key', device.channel.key)
  sealed.set('an anonymous bearer', textMark(granted?.bearer ?? ''))
}

async function readOnBehalf(): Promise<void> {
  const [alice] = people
  const remote = await remoteDevice(world, 'olivia')
  people.push(remote)
  await remote.device.shake()
  const [key] = keysOf((await alice?.device.ask('create', '/keys', { count: 1 })) ?? {})
  const { id } = world.user('alice')
  const credential = { userId: id, onBehalfOf: id }
  const answer = await remote.device.ask('retrieve', String(key?.uri), {
    client: remote.device.client(credential),
  })
  sealed.set('a key read on behalf', Buffer.from(keyOf(answer).jwk.k, 'base64url'))
  sealed.set('the officer’s session key', remote.device.channel.key)
}

/** What is refused must not be quoted anywhere either. */
async function makeNoise(): Promise<void> {
  const remote = await remoteDevice(world, 'bob', { answersWithinMs: 1000 })
  people.push(remote)
  await remote.device.shake()
  const { device } = remote
  sealed.set('the noisy session’s key', device.channel.key)
  const noise = [`{"method":"${LINES[0]}`, device.request({ method: LINES[1], uri: FILE_NAME })]
  await device.post(await Promise.all(noise.map((one) => device.seal(one))))
  await device.post(['no.sealed.message'])
}

function rememberRealmSecrets(): void {
  const { directory } = world.acme
  const passphrase = readFileSync(join(directory, 'passphrase'))
  sealed.set('the passphrase', Buffer.from(passphrase.toString().trimEnd()))
  const file = readFileSync(join(directory, 'main-key.sealed'), 'utf8')
  const secret = SecretBytes.from(Buffer.from(passphrase.toString().trimEnd()))
  const opened = openWithPassphrase(file, secret, 'keyrealm main keys')
  assert.ok(typeof opened !== 'string', 'the sealed file does not open')
  const mains: { id: string; key: string }[] = JSON.parse(new TextDecoder().decode(opened.expose()))
  for (const { id, key } of mains) sealed.set(`main key ${id}`, Buffer.from(key, 'base64url'))
  const [realm] = world.certificates.realms
  const privateKey = createPrivateKey(readFileSync(realm?.identity.keyFile ?? ''))
  const { d = '', p = '', q = '' } = privateKey.export({ format: 'jwk' })
  for (const [name, part] of Object.entries({ d, p, q })) {
    sealed.set(`the static key’s ${name}`, Buffer.from(part, 'base64url'))
  }
  sealed.set('the admin token', readFileSync(join(directory, 'admin.token')))
}

const filesIn = (folder: string): readonly Hay[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((file) => ({ name: file.slice(folder.length + 1), bytes: readFileSync(file) }))

const fileAt = (name: string): Hay => ({ name, bytes: readFileSync(name) })
const traffic = (): readonly Hay[] => filesIn(taps)
const coreAtRest = (): readonly Hay[] => [
  ...filesIn(world.plan.core.directory),
  fileAt(world.plan.core.logFile),
]
const all = (): Marks => new Map([...sealed, ...passing])
const planted = (): Marks => new Map([['planted', textMark(PLANTED)]])

test('a mark is found in every form, wherever it stands', () => {
  const mark = textMark('wren-wren-wren-wren')
  for (const before of ['', 'a', 'ab', 'abc']) {
    const text = Buffer.from(`${before}wren-wren-wren-wren?and-more`)
    const hex = text.toString('hex')
    const forms = [
      text,
      hex,
      hex.toUpperCase(),
      text.toString('base64'),
      text.toString('base64url'),
    ]
    for (const form of forms) {
      const hay = [{ name: 'hay', bytes: Buffer.from(`{"x":"${form}"}`) }]
      assert.equal(findMarks(new Map([['wren', mark]]), hay).length > 0, true, String(form))
      assert.deepEqual(findMarks(new Map([['owl', textMark('owl-owl-owl-owl')]]), hay), [])
    }
  }
  assert.equal(formsOf(mark).size, 9)
})

/** Asks the core for what is not there, under a name that its log keeps. */
async function plantInLog(): Promise<void> {
  const asked = request(`${world.plan.core.baseUrl}/nowhere`, {
    ca: readFileSync(world.certificates.tlsCaFile),
    headers: { trackingid: PLANTED, authorization: `Bearer ${world.user('bob').coreToken}` },
    agent: false,
  }).end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  await once(answer, 'end')
}

test('the search sees what the core is meant to see: on its sockets, in its database, in its log', async () => {
  await plantInLog()
  const carried = traffic()
  assert.notDeepEqual(findMarks(planted(), carried), [])
  assert.notDeepEqual(findMarks(passing, carried), [], 'tokens for the core are carried')
  for (const word of ['"type":"hello"', '"type":"messages"', 'encryption.kms_message', 'token=']) {
    const isCarried = carried.some(({ bytes }) => Buffer.from(bytes).includes(word))
    assert.ok(isCarried, `${word} is not on the tap`)
  }
  const database = filesIn(world.plan.core.directory).filter(({ name }) => name.includes('sqlite'))
  assert.notDeepEqual(findMarks(planted(), database), [])
  assert.notDeepEqual(findMarks(planted(), [fileAt(world.plan.core.logFile)]), [])
})

test('the core carries no plaintext, no key and no token that opens keys', () => {
  assert.deepEqual(findMarks(sealed, traffic()), [])
})

test('the core keeps no plaintext, no key and no token at all, in its database, its log, its folder', () => {
  const kept = coreAtRest()
  assert.ok(kept.some(({ name, bytes }) => name.endsWith('core.log') && bytes.length > 0))
  assert.deepEqual(findMarks(all(), kept), [])
})

test('the realm keeps nothing secret unwrapped, in its database, its log and its settings', () => {
  const { directory, logFile, configFile } = world.acme
  const database = filesIn(directory).filter(({ name }) => name.startsWith('realm.sqlite'))
  assert.ok(database.length >= 1)
  assert.deepEqual(findMarks(all(), [...database, fileAt(logFile), fileAt(configFile)]), [])
})

test('what the realm tells operators and auditors holds no secret', async () => {
  const { healthPort, logPort } = world.acme
  const pages: Hay[] = []
  for (const [port, path] of [
    [healthPort, '/metrics'],
    [healthPort, '/readyz'],
    [logPort, '/log/entries?limit=1000'],
  ] as const) {
    const { status, body } = await world.page(port, path)
    assert.equal(status, 200, path)
    pages.push({ name: path, bytes: Buffer.from(body) })
  }
  const { out } = await world.keyrealm('audit', 'show')
  assert.deepEqual(
    findMarks(all(), [...pages, { name: 'audit show', bytes: Buffer.from(out) }]),
    [],
  )
})

/** Command lines and environments of the world's own processes. */
const processes = (): readonly Hay[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
    .filter((name) => readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(world.plan.data))
    .flatMap((name) => [fileAt(`/proc/${name}/cmdline`), fileAt(`/proc/${name}/environ`)])

test('no command line and no environment holds a secret', (t) => {
  if (!existsSync('/proc') || !statSync('/proc').isDirectory()) return t.skip('there is no /proc')
  const seen = processes()
  assert.ok(seen.length >= 6, 'provider, core and realm are seen')
  assert.deepEqual(findMarks(all(), seen), [])
})
