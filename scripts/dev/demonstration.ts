// Shows the product at work in a running development world: two people of one realm talk in a room, and beside what
// they read stands what the core kept of it. It claims nothing it did not look up: the core's own files are searched.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import Database from 'better-sqlite3'
import { connect, type KeyrealmClient, KmsRefused, type Message } from '../../src/client/index.ts'
import { type NodeTransport, nodeTransport } from '../../src/client/node.ts'
import type { Ready, ReadyRealm } from './ready-file.ts'

const SAMPLE = resolve(import.meta.dirname, '../../test/data/chat-sample.jsonl')
/** A talk of two people about a lost password (Ubuntu IRC logs, CC BY 4.0; see test/data/README.md). */
const FIRST_LINE = 'ubuntu-2012-11-24#00957'
const LINES = 8
const ARRIVAL_TIMEOUT_MS = 15_000

export interface Demonstration {
  readonly ready: Ready
  /** The core's database. Opened for reading only. */
  readonly coreDatabase: string
  /** Everything the core wrote, to be searched for readable text. */
  readonly coreFiles: readonly string[]
}

interface Line {
  readonly id: string
  readonly user: string
  readonly text: string
}

/** Prints the talk. Throws when a line does not arrive as it was sent, or is readable at the core. */
export async function demonstrate({
  ready,
  coreDatabase,
  coreFiles,
}: Demonstration): Promise<void> {
  const [realm] = ready.realms
  if (!realm) throw new Error('There is no realm to show.')
  await using party = gather(ready, realm)
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(party.join))
  if (!alice || !bob || !carol) throw new Error('Somebody did not come.')
  const talk = readTalk()

  const room = await alice.rooms.create({ title: 'A lost password', participantIds: [bob.userId] })
  console.log(`\nalice and bob of ${realm.domain} meet in a room; carol is not in it.`)
  for (const { text, isByAlice } of talk) {
    const [writer, reader] = isByAlice ? [alice, bob] : [bob, alice]
    const arrives = nextMessage(reader)
    const [read, { id }] = await Promise.all([arrives, writer.rooms.post(room.id, text)])
    if (read.id !== id || read.text !== text) throw new Error(`"${text}" did not arrive.`)
    sayLine(isByAlice ? ['alice', 'bob'] : ['bob', 'alice'], read, keptByCore(coreDatabase, id))
  }
  refuseReadable(talk, coreFiles)
  await sayThatCarolIsRefused(carol, (await bob.rooms.find(room.id)).keyUri)
}

/** Clients that leave when the party is over. */
function gather(ready: Ready, realm: ReadyRealm) {
  const caPem = readFileSync(ready.core.tlsCaFile, 'utf8')
  const rootsPem = [readFileSync(realm.identityCaFile, 'utf8')]
  const joined: { readonly client: KeyrealmClient; readonly transport: NodeTransport }[] = []
  return {
    join: async (name: string): Promise<KeyrealmClient> => {
      const user = realm.users.find((one) => one.name === name)
      if (!user) throw new Error(`${name} is not in ${realm.name}.`)
      const transport = nodeTransport({ caPem })
      const client = await connect({
        wdmUrl: ready.core.wdmUrl,
        realm: { domain: realm.domain, rootsPem },
        coreToken: async () => user.coreToken,
        kmsToken: async () => user.kmsToken,
        transport,
      })
      joined.push({ client, transport })
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const { client, transport } of joined) {
        await client.close()
        transport.close()
      }
    },
  }
}

function readTalk(): readonly { readonly text: string; readonly isByAlice: boolean }[] {
  const lines = readFileSync(SAMPLE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): Line => JSON.parse(line))
  const first = lines.findIndex(({ id }) => id === FIRST_LINE)
  const talk = lines.slice(first, first + LINES)
  if (first === -1 || talk.length < LINES) throw new Error(`${SAMPLE} has another content.`)
  return talk.map(({ user, text }) => ({ text, isByAlice: user === talk[0]?.user }))
}

/** The next message of somebody else: everybody also hears of their own. */
function nextMessage({ rooms, userId }: KeyrealmClient): Promise<Message> {
  return new Promise((resolve, reject) => {
    const tooLate = setTimeout(() => reject(new Error('Nothing arrived.')), ARRIVAL_TIMEOUT_MS)
    const stop = rooms.onMessage((message) => {
      if (message.authorId === userId) return
      clearTimeout(tooLate)
      stop()
      resolve(message)
    })
  })
}

function keptByCore(file: string, id: string): string {
  const database = new Database(file, { readonly: true })
  try {
    const kept = database
      .prepare<[string], { content: string }>(
        "select object ->> 'content' as content from activities where id = ?",
      )
      .get(id)
    return kept?.content ?? 'nothing'
  } finally {
    database.close()
  }
}

const SHOWN_CHARS = 60

function sayLine([writer, reader]: readonly string[], message: Message, kept: string): void {
  console.log(`
${writer} writes to the room
  ${reader?.padEnd(5)} reads  ${message.text}
  core  keeps  ${kept.slice(0, SHOWN_CHARS)}... (${kept.length} characters)`)
}

function refuseReadable(
  talk: readonly { readonly text: string }[],
  files: readonly string[],
): void {
  const written = files.map((file) => readFileSync(file))
  const readable = talk.filter(({ text }) => written.some((bytes) => bytes.includes(text)))
  if (readable.length > 0) throw new Error(`The core can read: ${readable[0]?.text}`)
  const bytes = written.reduce((sum, one) => sum + one.length, 0)
  console.log(
    `\nOf ${talk.length} lines, 0 are readable in the ${bytes} bytes the core has written.`,
  )
}

async function sayThatCarolIsRefused(carol: KeyrealmClient, keyUri: string | undefined) {
  if (!keyUri) throw new Error('The room has no key.')
  try {
    await carol.keys.retrieve(keyUri)
  } catch (error) {
    if (!(error instanceof KmsRefused)) throw error
    console.log(`carol asks the realm for the room's key and is refused: ${error.status}.`)
    return
  }
  throw new Error('Carol got the key of a room that she is not in.')
}
