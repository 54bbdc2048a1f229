// Canaries of federation: people of two realms share a room and keys through one core, and then everything that the core carried,
// kept and logged is searched. Between the realms it carried records of TLS 1.3 and nothing else.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { decodeStreamData } from '../../src/boundary/index.ts'
import { findMarks, type Hay, textMark } from '../support/marks.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { aRoom, keysOf } from '../support/world.ts'
import { invite } from './guests.ts'

const TITLE = 'Canary title of two companies'
const LINES = ['Canary line chaffinch', 'Canary line nightingale'] as const

const taps = mkdtempSync(join(tmpdir(), 'keyrealm-federation-taps-'))
const recorder = pathToFileURL(join(import.meta.dirname, '../support/recorder.ts'))
recorder.searchParams.set('to', taps)

let world: RunningWorld
const guests = invite(() => world)
/** Known to people and their realms alone. */
const sealed = new Map<string, Uint8Array>()
/** The core knows them from what people tell it, but not from what realms tell each other. */
const named = new Map<string, Uint8Array>()

before(async () => {
  world = await startRunningWorld({ globex: () => ({}), coreNode: ['--import', recorder.href] })
  await talk()
  await shareKeys()
  for (const name of ['alice', 'gina']) {
    const { id, email, kmsToken } = world.user(name)
    named.set(`${name}'s id`, textMark(id)).set(`${name}'s address`, textMark(email))
    sealed.set(`${name}'s token for the realm`, textMark(kmsToken))
  }
})
after(async () => {
  await world.close()
  rmSync(taps, { recursive: true, force: true })
})

/** Each side writes under a key of its own realm. */
async function talk(): Promise<void> {
  const [alice, gina] = await Promise.all([world.client('alice'), world.client('gina')])
  const room = await alice.rooms.create({ title: TITLE, participantIds: [gina.userId] })
  await alice.rooms.post(room.id, LINES[0])
  await gina.rooms.rotate(room.id)
  await gina.rooms.post(room.id, LINES[1])
  const read = await alice.rooms.history(room.id)
  assert.deepEqual(
    read.map(({ text }) => text),
    LINES,
  )
  const { keyUri } = await gina.rooms.find(room.id)
  for (const uri of [room.keyUri ?? '', keyUri ?? '']) {
    sealed.set(uri, (await alice.keys.retrieve(uri)).bytes)
    named.set(`the name of ${uri}`, textMark(uri))
  }
  named.set('the room’s resource', textMark(room.resourceUri ?? ''))
  await alice.rooms.remove(room.id, gina.userId)
  for (const text of [TITLE, ...LINES]) sealed.set(text, textMark(text))
}

async function shareKeys(): Promise<void> {
  const { device: alice } = await guests('alice')
  const { device: gina } = await guests('gina')
  const { key, resource } = await aRoom(alice, [gina.who.userId])
  assert.equal((await gina.ask('retrieve', key.uri))['status'], 200)
  const [own] = keysOf(await gina.ask('create', '/keys', { count: 1 }))
  assert.ok(own)
  await gina.ask('update', own.uri, { resourceUri: resource.uri })
  assert.equal((await alice.ask('retrieve', own.uri))['status'], 200)
  assert.equal((await gina.ask('retrieve', `kms://${world.acme.domain}/keys/1`))['status'], 400)
  for (const { uri, jwk } of [key, own]) sealed.set(uri, Buffer.from(jwk.k, 'base64url'))
}

const filesIn = (folder: string): readonly Hay[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ name, bytes: readFileSync(join(parentPath, name)) }))

const messagesIn = (bytes: Buffer): readonly Uint8Array[] => {
  const messages: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    messages.push(bytes.subarray(at + 4, end))
    at = end
  }
  return messages
}

/** What each realm sent on each of its streams. */
const streams = (): readonly Hay[] =>
  filesIn(taps)
    .filter(({ name }) => name.endsWith('-binary'))
    .flatMap(({ name, bytes }) => {
      const sent = new Map<number, Uint8Array[]>()
      for (const message of messagesIn(Buffer.from(bytes))) {
        const data = decodeStreamData(message)
        assert.ok(data, 'a binary message that is no data of a stream')
        sent.set(data.stream, [...(sent.get(data.stream) ?? []), data.bytes])
      }
      return [...sent].map(([stream, pieces]) => ({
        name: `${name} stream ${stream}`,
        bytes: Buffer.concat(pieces),
      }))
    })

const HANDSHAKE = 22
const CHANGE_CIPHER_SPEC = 20
const APPLICATION_DATA = 23
/** RFC 8446 §4.2.1: the extension by which both hellos of 1.3 name it. */
const IS_TLS_1_3 = [Buffer.from('002b00020304', 'hex'), Buffer.from('002b0003020304', 'hex')]

test('between the realms the core carried records of TLS 1.3, one hello from each side in clear', () => {
  const carried = streams()
  // Each realm has asked the other: two connections, two directions of each.
  assert.ok(carried.length >= 4, `${carried.length} streams`)
  for (const { name, bytes: raw } of carried) {
    const bytes = Buffer.from(raw)
    const kinds: number[] = []
    let at = 0
    for (; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) kinds.push(bytes[at] ?? 0)
    assert.equal(at, bytes.length, `${name} ends within a record`)
    const hello = bytes.subarray(0, 5 + bytes.readUInt16BE(3))
    assert.ok(
      IS_TLS_1_3.some((mark) => hello.includes(mark)),
      `${name} does not begin with a hello of TLS 1.3`,
    )
    const [first, ...rest] = kinds
    assert.equal(first, HANDSHAKE)
    const sealedKinds = rest.filter((kind) => kind !== CHANGE_CIPHER_SPEC)
    assert.ok(sealedKinds.length > 1)
    assert.ok(sealedKinds.every((kind) => kind === APPLICATION_DATA))
  }
})

test('in what it carried between them stands no key, no text and no name of anybody or anything', () => {
  const words = ['/federation/v1/', 'trackingid', 'authorization', 'resourceUri']
  const marks = new Map([
    ...sealed,
    ...named,
    ...words.map((word): [string, Uint8Array] => [word, textMark(word)]),
  ])
  assert.deepEqual(findMarks(marks, streams()), [])
})

test('nowhere in what the core carried, kept or logged stands a key or a text', () => {
  const { directory, logFile } = world.plan.core
  const all = [
    ...filesIn(taps),
    ...filesIn(directory),
    { name: 'core.log', bytes: readFileSync(logFile) },
  ]
  assert.ok(all.some(({ name }) => name.startsWith('core.sqlite')))
  assert.deepEqual(findMarks(sealed, all), [])
})

test('the search sees what the core is meant to see', () => {
  const seen = findMarks(named, filesIn(taps))
  for (const name of ['alice', 'gina']) {
    assert.ok(seen.some((found) => found.startsWith(`${name}'s id as raw`)))
  }
  const log = [{ name: 'core.log', bytes: readFileSync(world.plan.core.logFile) }]
  const domains = new Map([['the peer', textMark(world.at('globex').plan.domain)]])
  assert.notDeepEqual(findMarks(domains, [...filesIn(taps), ...log]), [])
})
