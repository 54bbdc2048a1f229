// The people of the demonstration: the reference client of each, and a talk that somebody really had.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { connect, type KeyrealmClient, type Message } from '../../../src/client/index.ts'
import { type NodeTransport, nodeTransport } from '../../../src/client/node.ts'
import type { Ready } from '../ready-file.ts'

const SAMPLE = resolve(import.meta.dirname, '../../../test/data/chat-sample.jsonl')
/** A talk of two people about a lost password (Ubuntu IRC logs, CC BY 4.0; see test/data/README.md). */
const FIRST_LINE = 'ubuntu-2012-11-24#00957'
const LINES = 8
const ARRIVAL_TIMEOUT_MS = 15_000

/** Clients of people, each at their own realm, that leave when the party is over. */
export function gather(ready: Ready) {
  const caPem = readFileSync(ready.core.tlsCaFile, 'utf8')
  const joined: { readonly client: KeyrealmClient; readonly transport: NodeTransport }[] = []
  return {
    join: async (name: string): Promise<KeyrealmClient> => {
      const realm = ready.realms.find(({ users }) => users.some((one) => one.name === name))
      const user = realm?.users.find((one) => one.name === name)
      if (!realm || !user) throw new Error(`${name} is in no realm of this world.`)
      const rootsPem = [readFileSync(realm.identityCaFile, 'utf8')]
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

export interface Said {
  readonly text: string
  readonly isByAlice: boolean
}

interface Line {
  readonly id: string
  readonly user: string
  readonly text: string
}

export function readTalk(): readonly Said[] {
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
export function nextMessage({ rooms, userId }: KeyrealmClient): Promise<Message> {
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
