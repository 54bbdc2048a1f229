// Shows the product at work in a running development world: two people of one realm talk in a room, a third comes and
// is removed; then people of two realms do. Beside what they read stands what the core kept of it and what the logs say.
// It claims nothing it did not look up.
import {
  type KeyrealmClient,
  KmsRefused,
  type Message,
  type Room,
} from '../../../src/client/index.ts'
import type { Ready, ReadyRealm } from '../ready-file.ts'
import { SAID_BY_BOTH, showBothCompanies } from './both-companies.ts'
import { type Entry, keptByCore, readLog, refuseReadable } from './evidence.ts'
import { gather, nextMessage, readTalk, type Said } from './party.ts'
import { showSearch } from './searching.ts'

export interface Demonstration {
  readonly ready: Ready
  /** The core's database. Opened for reading only. */
  readonly coreDatabase: string
  /** Everything the core wrote, to be searched for readable text. */
  readonly coreFiles: readonly string[]
}

export interface Stage extends Demonstration {
  readonly realm: ReadyRealm
  readonly alice: KeyrealmClient
  readonly bob: KeyrealmClient
  readonly carol: KeyrealmClient
}

/** Prints the talk. Throws when a line does not arrive as it was sent, is readable at the core, or carol gets a key. */
export async function demonstrate(wanted: Demonstration): Promise<void> {
  const { ready, coreFiles } = wanted
  const [realm, abroad] = ready.realms
  if (!realm || !abroad) throw new Error('There are no two realms to show.')
  await using party = gather(ready)
  const { last: before } = await readLog(realm.logUrl, 0)
  const names = ['alice', 'bob', 'carol', 'gina']
  const [alice, bob, carol, gina] = await Promise.all(names.map(party.join))
  if (!alice || !bob || !carol || !gina) throw new Error('Somebody did not come.')
  const stage = { ...wanted, realm, alice, bob, carol }
  const talk = readTalk()
  const texts = talk.map(({ text }) => text)

  const room = await alice.rooms.create({ title: 'A lost password', participantIds: [bob.userId] })
  say(`alice and bob of ${realm.domain} meet in a room; core and realm made it together.`)
  sayKey(room)
  await talkOn(stage, room, talk.slice(0, 3))
  await carolComes(stage, room, texts.slice(0, 3))
  await talkOn(stage, room, talk.slice(3, 4))
  await carolGoes(stage, room)
  await talkOn(stage, room, talk.slice(4, 5))
  const newKey = await sayRotation(stage, room)
  await talkOn(stage, room, talk.slice(5))
  await carolIsRefused(stage, newKey)
  await showSearch(stage, { roomId: room.id, texts })
  const { entries } = await readLog(realm.logUrl, before)
  sayLog(entries, String(room.resourceUri), newKey)
  await showBothCompanies({ ...stage, gina, home: realm, abroad })
  const said = [...texts, 'A lost password', ...SAID_BY_BOTH]
  const bytes = refuseReadable(said, coreFiles)
  say(
    `Of ${said.length} lines and titles, 0 are readable in the ${bytes} bytes the core has written.`,
  )
}

async function talkOn(stage: Stage, { id }: Room, talk: readonly Said[]): Promise<void> {
  const { alice, bob, coreDatabase } = stage
  for (const { text, isByAlice } of talk) {
    const [writer, reader] = isByAlice ? [alice, bob] : [bob, alice]
    const arrives = nextMessage(reader)
    const [read, posted] = await Promise.all([arrives, writer.rooms.post(id, text)])
    if (read.id !== posted.id || read.text !== text) throw new Error(`"${text}" did not arrive.`)
    sayLine(
      isByAlice ? ['alice', 'bob'] : ['bob', 'alice'],
      read,
      keptByCore(coreDatabase, read.id),
    )
  }
}

async function carolComes(stage: Stage, { id }: Room, said: readonly string[]): Promise<void> {
  const { bob, carol } = stage
  await bob.rooms.add(id, carol.userId)
  const read = await carol.rooms.history(id)
  if (read.map(({ text }) => text).join() !== said.join())
    throw new Error('Carol misses something.')
  say(`bob adds carol; she reads all ${read.length} lines that were written before.`)
  await sayRoster(stage, carol, id)
}

async function carolGoes(stage: Stage, { id }: Room): Promise<void> {
  const { alice, bob, carol } = stage
  await alice.rooms.remove(id, carol.userId)
  say('alice removes carol. The room has no key now; whoever writes next has to make one.')
  await sayRoster(stage, bob, id)
}

/** Answers the new key's name. */
async function sayRotation({ alice }: Stage, { id, keyUri: former }: Room): Promise<string> {
  const room = await alice.rooms.find(id)
  if (!room.keyUri || room.keyUri === former) throw new Error('The room has no new key.')
  say('Before she wrote, alice made a new key, and the realm bound it to the room.')
  sayKey(room)
  return room.keyUri
}

/** Carol was told how the new key is called. */
async function carolIsRefused({ carol }: Stage, keyUri: string): Promise<void> {
  try {
    await carol.keys.retrieve(keyUri)
  } catch (error) {
    if (!(error instanceof KmsRefused)) throw error
    say(
      `carol knows the name of the new key, asks the realm for it, and is refused: ${error.status}.`,
    )
    return
  }
  throw new Error('Carol got a key of what was written after her removal.')
}

const SHOWN_CHARS = 60

export function say(text: string): void {
  console.log(`\n${text}`)
}

function sayKey({ keyUri }: Room): void {
  console.log(`  key of new messages: ${keyUri}`)
}

export function sayLine([writer, reader]: readonly string[], message: Message, kept: string): void {
  say(`${writer} writes to the room
  ${reader?.padEnd(5)} reads  ${message.text}
  core  keeps  ${kept.slice(0, SHOWN_CHARS)}... (${kept.length} characters)`)
}

async function sayRoster({ realm }: Stage, { rooms }: KeyrealmClient, id: string): Promise<void> {
  const nameOf = (userId: string): string =>
    realm.users.find((one) => one.id === userId)?.name ?? userId
  for (const { id: userId, role, isAuthorized, isListed } of await rooms.roster(id)) {
    const atRealm = isAuthorized ? `may read, as ${role}` : 'may not read'
    const atCore = isListed ? 'in the room' : 'not in the room'
    console.log(`  ${nameOf(userId).padEnd(5)}  realm: ${atRealm}   core: ${atCore}`)
  }
}

/** What the log says of the room: who did what to it, and who was refused its new key. */
function sayLog(entries: readonly Entry[], resourceUri: string, newKey: string): void {
  say("The realm's log of this room, people by the beginning of their pseudonyms:")
  const isRefusal = ({ outcome, uri }: Entry): boolean => outcome === 'refused' && uri === newKey
  const shown = entries.filter((one) => one.resource === resourceUri || isRefusal(one))
  for (const { time, action, outcome, actor, code = '', subjects = [] } of shown) {
    const when = time.slice(11, 19)
    const whom = [...subjects.map(brief), code].join(' ')
    const what = `${outcome.padEnd(7)}  ${action.padEnd(21)}  ${whom}`
    console.log(`  ${when}  ${brief(actor.id ?? actor.kind)}  ${what}`.trimEnd())
  }
  if (!shown.some(isRefusal)) throw new Error('The refusal is not in the log.')
}

const BRIEF_CHARS = 8

function brief(pseudonym: string): string {
  return pseudonym.slice(0, BRIEF_CHARS)
}
