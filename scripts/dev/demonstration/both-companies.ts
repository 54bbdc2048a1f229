// The part of the demonstration about two companies: one room, two realms. Beside what people read stands what the logs of both
// realms say of it. It claims nothing that it did not look up.
import { type KeyrealmClient, KmsRefused, type Room } from '../../../src/client/index.ts'
import type { ReadyRealm } from '../ready-file.ts'
import { type Demonstration, say, sayLine } from './demonstration.ts'
import { type Entry, keptByCore, readLog } from './evidence.ts'
import { nextMessage } from './party.ts'

const TITLE = 'A contract between two companies'
const OFFER = 'Our offer is in the annex, section four'
const ANSWER = 'We accept it, under a key of our own'
const AFTERWARDS = 'Gina has left the project'
/** What this part says, and what nobody else may be able to read. */
export const SAID_BY_BOTH: readonly string[] = [TITLE, OFFER, ANSWER, AFTERWARDS]

interface Stage extends Demonstration {
  readonly alice: KeyrealmClient
  readonly gina: KeyrealmClient
  /** Alice's. */
  readonly home: ReadyRealm
  /** Gina's. */
  readonly abroad: ReadyRealm
}

/** Throws when a line does not arrive, a log does not say what happened, or Gina gets a key after her removal. */
export async function showBothCompanies(stage: Stage): Promise<void> {
  const { alice, gina, home, abroad } = stage
  const room = await alice.rooms.create({ title: TITLE, participantIds: [gina.userId] })
  say(`alice of ${home.domain} and gina of ${abroad.domain} meet in a room of alice's company.`)
  console.log(`  key of new messages: ${room.keyUri}`)
  await tell(stage, { roomId: room.id, text: OFFER, isByAlice: true })
  await sayAsked(stage, String(room.keyUri))

  const { keyUri } = await gina.rooms.rotate(room.id)
  if (!keyUri?.startsWith(`kms://${abroad.domain}/`)) throw new Error('That is no key of globex.')
  say('gina makes a key of her own realm, and both realms bind it to the room.')
  console.log(`  key of new messages: ${keyUri}`)
  await tell(stage, { roomId: room.id, text: ANSWER, isByAlice: false })
  await sayAsked({ ...stage, home: abroad, abroad: home }, keyUri)

  await ginaGoes(stage, room)
  await ginaIsRefused(stage, room, [String(room.keyUri), keyUri])
}

interface Line {
  readonly roomId: string
  readonly text: string
  readonly isByAlice: boolean
}

async function tell(stage: Stage, { roomId, text, isByAlice }: Line): Promise<void> {
  const { alice, gina, coreDatabase } = stage
  const [writer, reader] = isByAlice ? [alice, gina] : [gina, alice]
  const [read] = await Promise.all([nextMessage(reader), writer.rooms.post(roomId, text)])
  if (read.text !== text) throw new Error(`"${text}" did not arrive.`)
  const names = isByAlice ? ['alice', 'gina'] : ['gina', 'alice']
  sayLine(names, read, keptByCore(coreDatabase, read.id))
}

/** How a key of one realm came to somebody of the other: two entries, one tracking id. */
async function sayAsked({ home, abroad }: Stage, keyUri: string): Promise<void> {
  const released = await lastEntry(
    home,
    ({ action, actor, keys }) =>
      action === 'key.released' && actor.kind === 'peer' && keys?.includes(keyUri) === true,
  )
  const asked = await lastEntry(
    abroad,
    ({ action, trackingId }) => action === 'peer.asked' && trackingId === released.trackingId,
  )
  const { tlsGroup, carrier } = released.details ?? {}
  console.log(`  Nobody asked but their own realm; of it, the two logs say under one tracking id:`)
  sayEntry(abroad, asked, `${home.domain}`)
  sayEntry(home, released, `${released.actor.id}, ${carrier} by the core, ${tlsGroup}`)
}

async function ginaGoes({ alice, gina, home, abroad }: Stage, { id }: Room): Promise<void> {
  const { last } = await readLog(home.logUrl, 0)
  await alice.rooms.remove(id, gina.userId)
  say('alice removes gina. Before alice heard that it is done, the other realm had let go:')
  const told = await lastEntry(
    home,
    ({ action }) => action === 'peer.withdrawal-acknowledged',
    last,
  )
  const received = await lastEntry(
    abroad,
    ({ action, trackingId }) =>
      action === 'peer.withdrawal-received' && trackingId === told.trackingId,
  )
  sayEntry(abroad, received, `from ${received.actor.id}, ${received.keys?.length} copy dropped`)
  sayEntry(home, told, `${told.details?.['peer']}`)
}

/** She was told how the new key is called. */
async function ginaIsRefused(
  { alice, gina }: Stage,
  { id }: Room,
  former: readonly string[],
): Promise<void> {
  await alice.rooms.post(id, AFTERWARDS)
  const { keyUri } = await alice.rooms.find(id)
  if (!keyUri || former.includes(keyUri)) throw new Error('The room has no new key.')
  say('alice writes on, under a new key. gina knows its name, and asks her realm for all three:')
  for (const uri of [...former, keyUri]) {
    console.log(`  ${await statusFor(gina, uri)}  ${uri}`)
  }
}

async function statusFor(gina: KeyrealmClient, uri: string): Promise<number> {
  try {
    await gina.ask({ method: 'retrieve', uri })
  } catch (error) {
    if (error instanceof KmsRefused) return error.status
    throw error
  }
  throw new Error(`Gina got ${uri} after her removal.`)
}

async function lastEntry(
  { name, logUrl }: ReadyRealm,
  isIt: (entry: Entry) => boolean,
  after = 0,
): Promise<Entry> {
  const found = (await readLog(logUrl, after)).entries.findLast(isIt)
  if (!found) throw new Error(`The log of ${name} does not say so.`)
  return found
}

function sayEntry({ name }: ReadyRealm, { time, action }: Entry, what: string): void {
  console.log(`  ${name.padEnd(6)}  ${time.slice(11, 19)}  ${action.padEnd(28)}  ${what}`)
}
