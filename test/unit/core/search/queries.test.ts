import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openQueries } from '../../../../src/core/search/queries.ts'
import { makeSurroundings } from '../surroundings.ts'

const USER = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
const QUERY = {
  httpUser: USER,
  query: 'a..b.c.d',
  keyUri: 'kms://kms.acme.example/keys/1',
  page: 0,
} as const
const RULES = { patienceMs: 10_000, openPerUser: 2, perMinute: 100 }
const REALM = 'kms.acme.example'

const open = (rules = RULES) => {
  const { surroundings } = makeSurroundings()
  const queries = openQueries(rules, surroundings)
  const sent: string[] = []
  const line = { send: (text: string) => void sent.push(text) }
  queries.lineUp(REALM, line)
  const idOf = (n: number): string => JSON.parse(sent[n] ?? '{}').id
  return { queries, line, sent, idOf }
}

test('only the realm that was asked can answer, and only once', async () => {
  const { queries, idOf } = open()
  const answer = queries.ask(REALM, QUERY)
  const frame = { type: 'search-hashes', id: idOf(0), hashes: '', more: false } as const
  queries.answered('kms.globex.example', { ...frame, more: true })
  queries.answered(REALM, { ...frame, id: 'another' })
  queries.answered(REALM, frame)
  queries.answered(REALM, { ...frame, more: true })
  assert.deepEqual(await answer, frame)
})

test('a line that goes takes its own queries along, and leaves those of its successor', async () => {
  const { queries, line, idOf } = open()
  const lost = queries.ask(REALM, QUERY)
  const successor: string[] = []
  queries.lineUp(REALM, { send: (text) => void successor.push(text) })
  const kept = queries.ask(REALM, QUERY)
  queries.lineDown(REALM, line)
  assert.deepEqual(await lost, { problem: 'core.realm-unreachable' })
  const { id } = JSON.parse(successor[0] ?? '{}')
  assert.notEqual(id, idOf(0))
  queries.answered(REALM, { type: 'search-declined', id, status: 503, code: 'kms.locked' })
  assert.ok('type' in (await kept))
})

test('a user has so many queries open, and gets the place back when one ends', async () => {
  const { queries, idOf } = open()
  const first = queries.ask(REALM, QUERY)
  const second = queries.ask(REALM, QUERY)
  assert.deepEqual(await queries.ask(REALM, QUERY), { problem: 'core.too-many-searches' })
  for (const n of [0, 1]) {
    queries.answered(REALM, { type: 'search-hashes', id: idOf(n), hashes: '', more: false })
  }
  await Promise.all([first, second])
  const third = queries.ask(REALM, QUERY)
  queries.answered(REALM, { type: 'search-hashes', id: idOf(2), hashes: '', more: false })
  assert.ok('type' in (await third))
})
