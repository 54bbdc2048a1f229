// Canaries of search: words that are posted, indexed and searched for, their roots, what anybody could hash them to, and
// every key of search. None of it may stand anywhere outside the realm, nor in what the realm writes and tells. What must
// stand there is the index itself: keyed hashes, which the same search finds as soon as it is given the key.

import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { KeyrealmClient } from '../../src/client/index.ts'
import { loadSettings } from '../../src/config/index.ts'
import { configuredPassphrase, openRealm, unlockRealm } from '../../src/main/assembly.ts'
import { termsOf } from '../../src/words/index.ts'
import { findMarks, type Hay, textMark } from '../support/marks.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { letIndex, until } from '../support/search-world.ts'

const TITLE = 'Velvetharbouring'
const SAID = 'Quartzlanternings'
const EDITED = 'marmaladecompasses'
/** In no message: only asked for. */
const ASKED = 'Zephyrmachinations'
const WORDS = [TITLE, SAID, EDITED, ASKED]
const HASH_BYTES = 10

const taps = mkdtempSync(join(tmpdir(), 'keyrealm-search-taps-'))
const recorder = pathToFileURL(join(import.meta.dirname, '../support/recorder.ts'))
recorder.searchParams.set('to', taps)

let world: RunningWorld
/** Search keys of rooms, and those under which devices seal what they ask. */
const keys = new Map<string, Uint8Array>()
const roomKeys: Uint8Array[] = []

before(async () => {
  world = await startRunningWorld({ coreNode: ['--import', recorder.href] })
  await letIndex(world)
  const [alice, bob] = await Promise.all([world.client('alice'), world.client('bob')])
  const room = await alice.rooms.create({ title: TITLE, participantIds: [bob.userId] })
  await alice.rooms.post(room.id, `We need ${SAID} and ${EDITED}.`)
  for (const word of [TITLE, SAID, EDITED]) {
    await until(async () => (await bob.search(word)).hits.length === 1)
  }
  assert.deepEqual((await alice.search(ASKED, { isComplete: true })).hits, [])
  assert.deepEqual((await bob.search(`"${SAID} ${ASKED}"`)).hits, [])
  await rememberKeys(room.resourceUri ?? '')
  await rememberDeviceKeys([alice, bob])
})
after(async () => {
  await world.close()
  rmSync(taps, { recursive: true, force: true })
})

/** Opens the realm's own store with its passphrase, as nobody outside can. */
async function rememberKeys(resourceUri: string): Promise<void> {
  const settings = loadSettings(world.acme.configFile)
  const realm = await openRealm(settings)
  try {
    const passphrase = configuredPassphrase(settings)
    assert.ok(passphrase)
    await unlockRealm(realm, passphrase)
    await realm.store.read(async (tx) => {
      const places = await tx.searchKeys.places()
      for (const key of (await tx.searchKeys.find(places.map(({ id }) => id))).values()) {
        const bytes = realm.keyring.unwrap(key.uri, key.wrapped).expose().slice()
        keys.set(key.uri, bytes)
        if (key.resourceUri === resourceUri) roomKeys.push(bytes)
      }
    })
  } finally {
    await realm.store.close()
  }
}

async function rememberDeviceKeys(people: readonly KeyrealmClient[]): Promise<void> {
  const asked = (await world.entries()).filter(({ action }) => action === 'search.asked')
  const named = new Set(asked.flatMap(({ keys: uris }) => (Array.isArray(uris) ? uris : [])))
  assert.equal(named.size, people.length)
  for (const uri of named) {
    const tried = await Promise.allSettled(people.map((one) => one.keys.retrieve(String(uri))))
    const opened = tried.filter(({ status }) => status === 'fulfilled')
    assert.equal(opened.length, 1, 'a search key is one person’s')
    for (const one of tried)
      if (one.status === 'fulfilled') keys.set(one.value.uri, one.value.bytes)
  }
}

const digest = (name: string, text: string): Buffer => createHash(name).update(text).digest()

/** What somebody without a key could make of a word. */
const hashesOf = (word: string): ReadonlyMap<string, Uint8Array> =>
  new Map(
    [word, word.toLowerCase(), ...termsOf(word, 'english')].flatMap((form) => [
      ...['md5', 'sha1', 'sha256', 'sha512'].map(
        (name) => [`${name} of ${form}`, digest(name, form).subarray(0, HASH_BYTES)] as const,
      ),
      [
        `HMAC without a key of ${form}`,
        createHmac('sha256', '').update(form).digest().subarray(0, HASH_BYTES),
      ] as const,
    ]),
  )

const words = (): ReadonlyMap<string, Uint8Array> =>
  new Map(
    WORDS.flatMap((word) => [word, word.toLowerCase(), ...termsOf(word, 'english')]).map((form) => [
      form,
      textMark(form),
    ]),
  )
const all = (): ReadonlyMap<string, Uint8Array> =>
  new Map([...words(), ...WORDS.flatMap((word) => [...hashesOf(word)]), ...keys])

const filesIn = (folder: string): readonly Hay[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ name, bytes: readFileSync(join(parentPath, name)) }))
const fileAt = (name: string): Hay => ({ name, bytes: readFileSync(name) })
const core = (): readonly Hay[] => [
  ...filesIn(world.plan.core.directory),
  fileAt(world.plan.core.logFile),
]

test('the roots are other texts than the words, and long enough to be looked for', () => {
  for (const word of WORDS) {
    const [root = ''] = termsOf(word, 'english')
    assert.ok(root.length >= HASH_BYTES && root !== word.toLowerCase(), `${word}: ${root}`)
  }
})

test('with the room’s search key the index is found at the core, and so is what was asked', () => {
  const [key] = roomKeys
  assert.ok(key && roomKeys.length === 1)
  const tokenOf = (word: string): Uint8Array =>
    createHmac('sha256', key)
      .update(termsOf(word, 'english')[0] ?? '')
      .digest()
      .subarray(0, HASH_BYTES)
  const kept = filesIn(world.plan.core.directory).filter(({ name }) => name.includes('-search'))
  for (const word of [TITLE, SAID, EDITED]) {
    const mark = new Map([[word, tokenOf(word)]])
    assert.notDeepEqual(findMarks(mark, kept), [], `${word} is not in the index`)
  }
  // A word that no message has is never asked for by its own hash.
  const never = new Map([[ASKED, tokenOf(ASKED)]])
  assert.deepEqual(findMarks(never, [...kept, ...filesIn(taps)]), [])
})

test('the core keeps no word, no root, no hash that anybody can make, and no key of search', () => {
  assert.deepEqual(findMarks(all(), core()), [])
})

test('the core carries none of them either', () => {
  const carried = filesIn(taps)
  for (const sign of ['"type":"postings"', '"type":"search"', '"type":"search-hashes"']) {
    assert.ok(
      carried.some(({ bytes }) => Buffer.from(bytes).includes(sign)),
      `${sign} is not on the tap`,
    )
  }
  assert.deepEqual(findMarks(all(), carried), [])
})

test('the realm writes none of them unwrapped: not to its database, its log, its metrics or its audit log', async () => {
  const { directory, logFile, healthPort } = world.acme
  const { body } = await world.page(healthPort, '/metrics')
  const entries = await world.entries()
  const pages = [
    { name: 'metrics', bytes: Buffer.from(body) },
    { name: 'audit log', bytes: Buffer.from(JSON.stringify(entries)) },
  ]
  const database = filesIn(directory).filter(({ name }) => name.startsWith('realm.sqlite'))
  assert.ok(database.length > 0)
  assert.deepEqual(findMarks(all(), [...database, ...pages, fileAt(logFile)]), [])
})

test('the audit log says of each search how many words, rooms and hashes, and nothing else of it', async () => {
  const entries = (await world.entries()).filter(({ action }) => action === 'search.answered')
  assert.ok(entries.length >= 5)
  for (const { details } of entries) {
    assert.deepEqual(Object.keys(details ?? {}).toSorted(), ['hashes', 'more', 'rooms', 'words'])
  }
})
