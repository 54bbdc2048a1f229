// The index without a realm: the very same code over messages from anywhere, so that anybody can attack what the core
// would store. Its keys come from a seed; it is for studying the index, never for keeping messages.

import { hmacSha256, prepareTokenKey, SecretBytes } from '../crypto/index.ts'
import { type Language, queryTermsOf, termsOf } from '../words/index.ts'
import { blindMessages } from './blind.ts'
import { CounterTable } from './counter-table.ts'
import { hexHashes } from './posting-list.ts'
import { blindQuery, occurrencesOf } from './query-page.ts'
import { NOTHING_YET, type RoomIndex, type RoomTotals, TermNames } from './terms.ts'

export interface LabMessage {
  readonly room: string
  readonly messageId: string
  readonly text: string
}

export interface LabPosting {
  readonly room: string
  readonly messageId: string
  /** As the core stores them: 20 lower-case hexadecimal digits each, in stored order. */
  readonly hashes: readonly string[]
}

export interface LabOptions {
  /** All keys of the lab come from it: the same seed gives the same index. */
  readonly seed: SecretBytes
  readonly language: Language
}

interface LabRoom extends RoomIndex {
  readonly counters: CounterTable
  readonly names: TermNames
  totals: RoomTotals
}

export class Lab {
  readonly #options: LabOptions
  readonly #rooms = new Map<string, LabRoom>()

  constructor(options: LabOptions) {
    this.#options = options
  }

  /** Postings in the order of the messages. Messages of one room are counted in the order in which they come. */
  index(messages: readonly LabMessage[]): readonly LabPosting[] {
    const lists = new Map<LabMessage, readonly string[]>()
    for (const [name, some] of Map.groupBy(messages, ({ room }) => room)) {
      const room = this.#roomOf(name)
      const made = blindMessages(
        room,
        some.map(({ text }) => termsOf(text, this.#options.language)),
      )
      for (const [term, count] of made.counted) room.counters.set(term, count)
      room.totals = made.totals
      for (const [at, list] of made.lists.entries()) {
        const message = some[at]
        if (message !== undefined) lists.set(message, hexHashes(list))
      }
    }
    return messages.map((message) => ({
      room: message.room,
      messageId: message.messageId,
      hashes: lists.get(message) ?? [],
    }))
  }

  /** Every hash that stands for any of the word's terms in the room so far; no decoys. The truth that the core never has. */
  expand(room: string, word: string): readonly string[] {
    return this.expandTerms(room, queryTermsOf(word, this.#options.language).flat())
  }

  expandTerms(room: string, terms: readonly string[]): readonly string[] {
    return hexHashes(occurrencesOf(this.#roomOf(room), [...new Set(terms)]))
  }

  /** The first page of a query as it is really sent, decoys included. */
  trace(room: string, query: string): readonly string[] {
    return this.traceTerms(room, queryTermsOf(query, this.#options.language))
  }

  traceTerms(room: string, words: readonly (readonly string[])[]): readonly string[] {
    const { key, counters, totals } = this.#roomOf(room)
    const asked = { page: 0, mode: 'newest' } as const
    return hexHashes(blindQuery([{ key, counters, totals, words }], asked).hashes)
  }

  #roomOf(name: string): LabRoom {
    const known = this.#rooms.get(name)
    if (known !== undefined) return known
    using key = SecretBytes.from(hmacSha256(this.#options.seed, `keyrealm lab room ${name}`))
    const room = {
      key: prepareTokenKey(key),
      counters: new CounterTable(),
      names: new TermNames(),
      totals: NOTHING_YET,
    }
    this.#rooms.set(name, room)
    return room
  }
}
