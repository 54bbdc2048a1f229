// What the demonstration looks up instead of claiming it: what the core keeps, by its own database and files, and what
// the realm's log says, as its operator reads it. It changes nothing.
import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'

const HASH_BYTES = 10

/** The stored content of an activity. */
export function keptByCore(file: string, id: string): string {
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

/** Throws if a text stands readable in one of the files. Answers how many bytes were searched. */
export function refuseReadable(texts: readonly string[], files: readonly string[]): number {
  const written = files.map((file) => readFileSync(file))
  const readable = texts.find((text) => written.some((bytes) => bytes.includes(text)))
  if (readable !== undefined) throw new Error(`The core can read: ${readable}`)
  return written.reduce((sum, one) => sum + one.length, 0)
}

/** The first hashes that the core's index keeps of a message, in hexadecimal, and how many there are. */
export function indexedByCore(
  file: string,
  id: string,
): { readonly first: readonly string[]; readonly count: number } {
  const database = new Database(file, { readonly: true })
  try {
    const kept = database
      .prepare<[string], { hashes: Buffer }>(
        'select hashes from lists where message_id = ? and state < 2',
      )
      .get(id)
    const hashes = kept?.hashes ?? Buffer.alloc(0)
    const first = [0, 1, 2].map((n) => hashes.toString('hex', n * HASH_BYTES, (n + 1) * HASH_BYTES))
    return { first, count: hashes.length / HASH_BYTES }
  } finally {
    database.close()
  }
}

export interface Entry {
  readonly time: string
  readonly action: string
  readonly outcome: string
  readonly actor: { readonly kind: string; readonly id?: string }
  readonly uri?: string
  readonly keys?: readonly string[]
  readonly trackingId?: string
  readonly resource?: string
  readonly code?: string
  readonly subjects?: readonly string[]
  readonly details?: Readonly<Record<string, unknown>>
}

interface Page {
  readonly entries: readonly { readonly sequence: number; readonly body: string }[]
}

const PAGE = 1000

/** The log after an entry, in order; `last` is the number of its last one. */
export async function readLog(
  logUrl: string,
  after: number,
): Promise<{ readonly entries: readonly Entry[]; readonly last: number }> {
  const entries: Entry[] = []
  for (let last = after; ; ) {
    const answer = await fetch(`${logUrl}/log/entries?after=${last}&limit=${PAGE}`)
    if (!answer.ok) throw new Error(`The log answers ${answer.status}.`)
    const page = (await answer.json()) as Page
    entries.push(...page.entries.map(({ body }): Entry => JSON.parse(body)))
    last = page.entries.at(-1)?.sequence ?? last
    if (page.entries.length < PAGE) return { entries, last }
  }
}
