// The part of the demonstration about search: what somebody types, what the core gets to see of it, what is found, and
// that whoever was removed finds nothing.
import { setTimeout } from 'node:timers/promises'
import type { Found, KeyrealmClient } from '../../../src/client/index.ts'
import { marked } from '../marked.ts'
import { type Stage, say } from './demonstration.ts'
import { indexedByCore, readLog, refuseReadable } from './evidence.ts'

export interface Talked {
  readonly roomId: string
  readonly texts: readonly string[]
}

const WORDS = 'passwords'
const PATIENCE_MS = 20_000
const POLL_MS = 200

/** Throws when something that was said is not found, the core can read the words, or carol finds anything. */
export async function showSearch(stage: Stage, { roomId, texts }: Talked): Promise<void> {
  const { realm, bob, carol, coreDatabase, coreFiles } = stage
  const { last: before } = await readLog(realm.logUrl, 0)
  const said = texts.filter((text) => /\bpasswords?\b/i.test(text)).length
  const { hits, rooms } = await whenIndexed(bob, roomId, said)
  const { entries } = await readLog(realm.logUrl, before)
  const asked = entries.findLast(({ action }) => action === 'search.answered')?.details
  say(`bob types  ${WORDS}`)
  console.log(`  core  sees   a sealed query, and ${asked?.['hashes']} hashes for ${rooms} room`)
  for (const { id, roomTitle, parts } of hits) {
    // A title is indexed under the room's own id.
    const indexed = parts[0]?.name === 'title' ? roomId : id
    const { first, count } = indexedByCore(`${coreDatabase}-search`, indexed)
    console.log(
      `  bob   finds  ${roomTitle}: ${parts.map((one) => marked(one, ['[', ']'])).join()}`,
    )
    console.log(`  core  keeps  ${first.join(' ')} ... (${count} hashes, some of them noise)`)
  }
  const { hits: none } = await carol.search(WORDS)
  if (none.length > 0) throw new Error('Carol finds what she may not read.')
  say(`carol, who was removed, types  ${WORDS}  and finds nothing.`)
  const bytes = refuseReadable([WORDS], coreFiles)
  console.log(`  The word is not in the ${bytes} bytes that the core has written.`)
}

/** Messages become findable a moment after they were posted. */
async function whenIndexed(who: KeyrealmClient, roomId: string, count: number): Promise<Found> {
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    const found = await who.search(WORDS, { roomIds: [roomId] })
    const texts = found.hits.filter(({ parts }) => parts[0]?.name === 'text')
    if (texts.length >= count && found.hits.length > texts.length) return found
    await setTimeout(POLL_MS)
  }
  throw new Error(`Not everything with ${WORDS} is found.`)
}
