// From messages to what the core gets, as a ratio to SQLite's FTS5 taking in the same plaintext, on one thread in turns.
// CPU time of the process, so that what others do on the machine hardly moves it.
import SQLite from 'better-sqlite3'
import { prepareTokenKey, SecretBytes } from '../../../src/crypto/index.ts'
import { CounterTable } from '../../../src/indexer/counter-table.ts'
import {
  blindMessages,
  NOTHING_YET,
  type RoomTotals,
  TermNames,
} from '../../../src/indexer/index.ts'
import { termsOf } from '../../../src/words/index.ts'
import type { Row } from '../report.ts'
import { percentile, ratio } from '../statistics.ts'

const ROUNDS = 9
const KEY = new Uint8Array(32).fill(1)

const cpuMs = (work: () => void): number => {
  const from = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1000
}

const medianOf = (figures: readonly number[]): number =>
  percentile(Float64Array.from(figures).sort(), 0.5)

const insertAll = (texts: readonly string[]): void => {
  const database = new SQLite(':memory:')
  database.exec('create virtual table texts using fts5(text)')
  const insert = database.prepare('insert into texts (text) values (?)')
  database.transaction(() => {
    for (const text of texts) insert.run(text)
  })()
  database.close()
}

const cutAll = (texts: readonly string[]): void => {
  for (const text of texts) termsOf(text, 'english')
}

const indexAll = (rooms: readonly (readonly string[])[], batch: number): void => {
  for (const texts of rooms) {
    const room = {
      key: prepareTokenKey(SecretBytes.from(Uint8Array.from(KEY))),
      counters: new CounterTable(),
      names: new TermNames(),
      totals: NOTHING_YET satisfies RoomTotals,
    }
    for (let from = 0; from < texts.length; from += batch) {
      const messages = texts.slice(from, from + batch).map((text) => termsOf(text, 'english'))
      const made = blindMessages(room, messages)
      for (const [term, count] of made.counted) room.counters.set(term, count)
      room.totals = made.totals
    }
  }
}

/** Medians of the rounds' ratios. */
export const measurePipeline = (rooms: readonly (readonly string[])[]): readonly Row[] => {
  const texts = rooms.flat()
  const ways: Readonly<Record<string, () => void>> = {
    'FTS5 insertion': () => insertAll(texts),
    'words: cut and stem': () => cutAll(texts),
    'whole, 64 messages a call': () => indexAll(rooms, 64),
    'whole, 1,000 messages a call': () => indexAll(rooms, 1000),
  }
  for (const work of Object.values(ways)) work()
  const rounds = Array.from({ length: ROUNDS }, () =>
    Object.fromEntries(Object.entries(ways).map(([name, work]) => [name, cpuMs(work)])),
  )
  return Object.keys(ways).map((name) => ({
    way: name,
    'k messages/s': texts.length / medianOf(rounds.map((round) => round[name] ?? Number.NaN)),
    'x FTS5': medianOf(
      rounds.map((round) => ratio(round['FTS5 insertion'] ?? 0, round[name] ?? 0)),
    ),
  }))
}
