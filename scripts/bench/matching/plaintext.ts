// What others do with the words in clear: full-text search of SQLite and of PostgreSQL over the same messages, with the
// same rooms as a filter. The measure for everything that the core does without words.

import SQLite from 'better-sqlite3'
import pg from 'pg'
import type { Corpus } from './corpus.ts'

export interface Plaintext {
  /** How many messages have both words, in the first so many rooms. */
  search(words: readonly string[], rooms: number): Promise<number>
  close(): Promise<void>
}

/** FTS5 with an indexed table of rooms. */
export const openFts5 = async ({ messages }: Corpus): Promise<Plaintext> => {
  const database = new SQLite(':memory:')
  database.exec(`create virtual table texts using fts5(text);
    create table places (id integer primary key, room integer not null);
    create temporary table wanted (room integer primary key)`)
  const text = database.prepare('insert into texts (rowid, text) values (?, ?)')
  const place = database.prepare('insert into places values (?, ?)')
  database.transaction(() => {
    for (const [n, message] of messages.entries()) {
      text.run(n, message.text)
      place.run(n, message.room)
    }
  })()
  const want = database.prepare(`insert into wanted select value from json_each(?)`)
  const found =
    database.prepare(`select texts.rowid from texts join places on places.id = texts.rowid
    where texts match ? and places.room in (select room from wanted)`)
  let prepared = -1
  return {
    async search(words, rooms) {
      if (rooms !== prepared) {
        database.exec('delete from wanted')
        want.run(JSON.stringify(Array.from({ length: rooms }, (_, room) => room)))
        prepared = rooms
      }
      return found.all(words.map((word) => `"${word}"`).join(' ')).length
    },
    async close() {
      database.close()
    },
  }
}

const ROWS_AT_ONCE = 10_000

/** A GIN index over `tsvector`. */
export const openTsvector = async (url: string, { messages }: Corpus): Promise<Plaintext> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create table texts (room integer not null, text text not null,
    words tsvector generated always as (to_tsvector('simple', text)) stored)`)
  for (let n = 0; n < messages.length; n += ROWS_AT_ONCE) {
    const some = messages.slice(n, n + ROWS_AT_ONCE)
    await client.query('insert into texts select * from unnest($1::integer[], $2::text[])', [
      some.map(({ room }) => room),
      some.map(({ text }) => text.replaceAll('\0', '')),
    ])
  }
  await client.query('create index texts_words on texts using gin (words)')
  await client.query('analyze texts')
  return {
    async search(words, rooms) {
      const { rows } = await client.query({
        name: 'search',
        text: `select ctid from texts where words @@ plainto_tsquery('simple', $1)
          and room = any($2::integer[])`,
        values: [words.join(' '), Array.from({ length: rooms }, (_, room) => room)],
      })
      return rows.length
    },
    close: () => client.end(),
  }
}
