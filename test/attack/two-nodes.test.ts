// Two nodes of one realm on one PostgreSQL record under load. Whichever publishes is killed, again and again, and the
// other goes on: no number is left out or given twice, no acknowledged entry is lost, and no checkpoint goes back.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { parseNote, verifierKeyOf, verifyLog } from '../../src/audit/index.ts'
import { type OpenStore, openStore } from '../../src/store/index.ts'
import { mirrorOfStore } from '../support/mirror.ts'
import { assertNumbered } from '../support/numbered.ts'
import { type RunningPostgres, startPostgres } from '../support/postgres.ts'
import type { Said } from './two-nodes/orders.ts'

const PROGRAM = join(import.meta.dirname, 'two-nodes/node.ts')
const DEATHS = 2

class Node {
  readonly recorded: string[] = []
  readonly published: string[] = []
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #ended: Promise<unknown>
  boot: string | undefined

  constructor(url: string, name: string) {
    const orders = JSON.stringify({ url, node: name })
    this.#child = spawn(process.execPath, [PROGRAM, orders], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#ended = once(this.#child, 'close')
    createInterface({ input: this.#child.stdout }).on('line', (line) =>
      this.#hear(JSON.parse(line)),
    )
  }

  #hear({ ready, recorded, published }: Said): void {
    this.boot ??= ready
    this.recorded.push(...(recorded ?? []))
    if (published !== undefined) this.published.push(published)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  async stop(): Promise<void> {
    this.#child.stdin.end()
    await this.#ended
  }
}

const until = async (what: string, isSo: () => boolean, withinMs = 30_000): Promise<void> => {
  const deadline = performance.now() + withinMs
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `not so in time: ${what}`)
    await setTimeout(20)
  }
}

const sizeOf = (note: string): number => Number(parseNote(note)?.text.split('\n')[1])

const assertNeverBack = (sizes: readonly number[], whose: string): void => {
  const back = sizes.findIndex((size, index) => size < (sizes[index - 1] ?? 0))
  assert.equal(back, -1, `${whose}: ${sizes[back]} after ${sizes[back - 1]}`)
}

/** Kills the node that publishes while both record; answers everybody who ever lived, and what was published when. */
const killPublishers = async (url: string, store: OpenStore) => {
  const sizes: number[] = []
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      sizes.push((await store.read((tx) => tx.tree.head())).size)
      await setTimeout(10)
    }
  })()
  const nodes = [new Node(url, 'node-1'), new Node(url, 'node-2')]
  let alive = [...nodes]
  for (let death = 0; death < DEATHS; death += 1) {
    await until('both record', () => alive.every(({ recorded }) => recorded.length > 100))
    const { holder } = await store.read((tx) => tx.tree.head())
    const publishing = alive.find(({ boot }) => boot === holder)
    const other = alive.find((node) => node !== publishing)
    assert.ok(publishing && other, 'a node of ours publishes')
    await until('it publishes', () => publishing.published.length > 2)
    const before = other.published.length
    await publishing.kill()
    const name = publishing === alive[0] ? 'node-1' : 'node-2'
    const successor = new Node(url, name)
    nodes.push(successor)
    alive = alive.map((node) => (node === publishing ? successor : node))
    await until('another goes on', () =>
      alive.some((node) => node.published.length > (node === other ? before + 2 : 2)),
    )
  }
  await Promise.all(alive.map((node) => node.stop()))
  isOver = true
  await watching
  return { nodes, sizes }
}

const assertEachOnce = async (store: OpenStore, nodes: readonly Node[]): Promise<void> => {
  const entries = await store.read((tx) => tx.audit.read(0, 10_000_000))
  assertNumbered(entries)
  const names = entries.flatMap(({ body }) => JSON.parse(body).requestId ?? [])
  const unique = new Set(names)
  assert.equal(unique.size, names.length, 'an entry is there twice')
  const lost = nodes.flatMap(({ recorded }) => recorded.filter((name) => !unique.has(name)))
  assert.deepEqual(lost, [], 'acknowledged entries are lost')
}

const onPostgres = async (postgres: RunningPostgres): Promise<void> => {
  const url = await postgres.createDatabase()
  const store = await openStore({ kind: 'postgres', url, poolSize: 3 })
  try {
    const { nodes, sizes } = await killPublishers(url, store)
    assertNeverBack(sizes, 'the database')
    for (const { published, boot } of nodes) assertNeverBack(published.map(sizeOf), String(boot))
    await assertEachOnce(store, nodes)

    const keys = (await store.read((tx) => tx.logKeys.all('log'))).map((key) =>
      verifierKeyOf('acme/log', key),
    )
    assert.equal(keys.length, 2)
    const notes = nodes.flatMap(({ published }) => published)
    assert.ok(nodes.filter(({ published }) => published.length > 0).length > DEATHS)
    const mirror = await mirrorOfStore(store)
    const older = notes.map((note, index) => ({ name: `note ${index}`, note }))
    const report = verifyLog((path) => mirror.get(path), { keys, older })
    assert.deepEqual(
      [report.isIntact, report.isComplete, report.findings],
      [true, true, []],
      'every checkpoint that anybody published begins the last one',
    )
  } finally {
    await store.close()
  }
}

test('two nodes record on while whichever publishes is killed', async (t) => {
  const postgres = await startPostgres()
  if ('unavailable' in postgres) {
    assert.notEqual(process.env['KEYREALM_REQUIRE_POSTGRES'], '1', postgres.unavailable)
    return t.skip(postgres.unavailable)
  }
  try {
    await onPostgres(postgres)
  } finally {
    await postgres.stop()
  }
})
