// Laws of the index: everything is found, nothing is ever used twice, and nothing says which hash is which.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { prepareTokenKey, SecretBytes } from '../../src/crypto/index.ts'
import {
  blindMessages,
  blindQuery,
  hexHashes,
  type MessageTerms,
  NOTHING_YET,
  type QueryMode,
  type RoomIndex,
  type TermId,
  TermNames,
} from '../../src/indexer/index.ts'

const key = prepareTokenKey(SecretBytes.from(new Uint8Array(32).fill(1)))

interface Room {
  readonly index: RoomIndex
  readonly counters: Map<TermId, number>
  /** By message. */
  readonly lists: readonly (readonly string[])[]
}

const empty = (names?: TermNames): Room => {
  const counts = new Map<TermId, number>()
  const counters = { get: (term: TermId) => counts.get(term) ?? 0 }
  return {
    index: { key, counters, totals: NOTHING_YET, ...(names === undefined ? {} : { names }) },
    counters: counts,
    lists: [],
  }
}

/** The same history in pieces of any size. */
const indexed = (room: Room, messages: readonly MessageTerms[], batch: number): Room => {
  if (messages.length === 0) return room
  const made = blindMessages(room.index, messages.slice(0, batch))
  for (const [term, count] of made.counted) room.counters.set(term, count)
  const next = {
    index: { ...room.index, totals: made.totals },
    counters: room.counters,
    lists: [...room.lists, ...made.lists.map(hexHashes)],
  }
  return indexed(next, messages.slice(batch), batch)
}

const asked = (
  room: Room,
  words: readonly (readonly string[])[],
  page = 0,
  mode: QueryMode = 'newest',
) => {
  const made = blindQuery([{ ...room.index, words }], { page, mode })
  return { hashes: hexHashes(made.hashes), more: made.more }
}

const allPages = (room: Room, words: readonly (readonly string[])[], mode: QueryMode): string[] => {
  const hashes: string[] = []
  for (let page = 0; ; page += 1) {
    const made = asked(room, words, page, mode)
    hashes.push(...made.hashes)
    if (!made.more) return hashes
  }
}

const matching = (room: Room, hashes: readonly string[]): number[] => {
  const wanted = new Set(hashes)
  return room.lists.flatMap((list, message) =>
    list.some((hash) => wanted.has(hash)) ? [message] : [],
  )
}

const term = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'common', 'word', '日本', 'größe', 'n0', 't', '1'),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((text) => !/\p{Cc}/u.test(text)),
)
const messageOf = fc.uniqueArray(term, { maxLength: 20 })
const history = fc.array(messageOf, { maxLength: 30 })
const batchSize = fc.integer({ min: 1, max: 31 })

const holders = (messages: readonly MessageTerms[], wanted: readonly string[]): number[] =>
  messages.flatMap((terms, message) =>
    wanted.every((each) => terms.includes(each)) ? [message] : [],
  )

describe('laws of the index', () => {
  it('finds every message that has all words, whatever the history', () => {
    fc.assert(
      fc.property(
        history,
        batchSize,
        fc.array(fc.array(term, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom<QueryMode>('newest', 'complete'),
        (messages, batch, words, mode) => {
          const room = indexed(empty(), messages, batch)
          const found = new Set(matching(room, allPages(room, words, mode)))
          for (const message of holders(messages, words.flat())) assert.ok(found.has(message))
        },
      ),
    )
  })

  it('finds all of two hundred occurrences over its pages, the newest first', () => {
    const messages = Array.from({ length: 200 }, () => ['word'])
    const room = indexed(empty(), messages, 50)
    const first = asked(room, [['word']])
    assert.equal(first.hashes.length, 64)
    assert.deepEqual(
      matching(room, first.hashes),
      Array.from({ length: 64 }, (_, at) => 136 + at),
    )
    const last = asked(room, [['word']], 3)
    assert.deepEqual([last.hashes.length, last.more], [8, false])
    assert.equal(matching(room, allPages(room, [['word']], 'newest')).length, 200)
    assert.equal(matching(room, asked(room, [['word']], 0, 'complete').hashes).length, 200)
  })

  it('never uses a hash twice in a room, not even for noise', () => {
    fc.assert(
      fc.property(history, batchSize, (messages, batch) => {
        const all = indexed(empty(), messages, batch).lists.flat()
        assert.equal(new Set(all).size, all.length)
      }),
    )
  })

  it('gives the same lists, counters and noise in batches of any size', () => {
    fc.assert(
      fc.property(history, batchSize, (messages, batch) => {
        const one = indexed(empty(), messages, 1)
        const many = indexed(empty(), messages, batch)
        assert.deepEqual(many.lists, one.lists)
        assert.deepEqual(many.counters, one.counters)
        assert.deepEqual(many.index.totals, one.index.totals)
      }),
    )
  })

  it('gives the same lists and asks the same whether names of terms are remembered or not', () => {
    fc.assert(
      fc.property(history, batchSize, term, (messages, batch, wanted) => {
        const without = indexed(empty(), messages, batch)
        const remembering = indexed(empty(new TermNames()), messages, batch)
        assert.deepEqual(remembering.lists, without.lists)
        assert.deepEqual(remembering.counters, without.counters)
        assert.deepEqual(asked(remembering, [[wanted]]), asked(without, [[wanted]]))
      }),
    )
  })

  it('asks for nothing that a later message will use, and for decoys that are really there', () => {
    fc.assert(
      fc.property(history, history, term, fc.nat(2), (before, after, wanted, page) => {
        const room = indexed(empty(), before, 7)
        const { hashes } = asked(room, [[wanted]], page)
        const there = new Set(room.lists.flat())
        assert.ok(hashes.every((hash) => there.has(hash)))
        const later = indexed(room, after, 7).lists.slice(before.length).flat()
        assert.ok(later.every((hash) => !hashes.includes(hash)))
      }),
    )
  })

  it('asks the same as long as nothing happens, and for at most 64 hashes of a word on a page', () => {
    fc.assert(
      fc.property(history, term, fc.nat(2), (messages, wanted, page) => {
        const room = indexed(empty(), messages, 7)
        const { hashes } = asked(room, [[wanted]], page)
        assert.deepEqual(asked(room, [[wanted]], page).hashes, hashes)
        assert.ok(hashes.length <= 64)
        assert.equal(new Set(hashes).size, hashes.length)
      }),
    )
  })

  it('sorts every list by its bytes', () => {
    fc.assert(
      fc.property(history, (messages) => {
        for (const list of indexed(empty(), messages, 7).lists) {
          assert.deepEqual(list, [...list].sort())
        }
      }),
    )
  })

  it('still finds everything when numbers were skipped', () => {
    fc.assert(
      fc.property(
        history,
        history,
        term,
        fc.integer({ min: 1, max: 100 }),
        (first, second, wanted, gap) => {
          const room = indexed(empty(), first, 7)
          for (const [id, count] of room.counters) room.counters.set(id, count + gap)
          const later = indexed(room, second, 7)
          const found = new Set(matching(later, allPages(later, [[wanted]], 'newest')))
          for (const message of holders([...first, ...second], [wanted]))
            assert.ok(found.has(message))
        },
      ),
    )
  })
})
