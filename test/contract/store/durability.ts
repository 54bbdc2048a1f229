// A commit that was acknowledged is kept, whatever happens to the process that made it.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import type { StoreSettings } from '../../../src/store/index.ts'
import { type Implementation, openFor } from './implementations.ts'
import { toResourceUri } from './make.ts'

const WRITER = join(import.meta.dirname, 'writer.ts')
const ACKNOWLEDGED = 40

const startWriter = (settings: StoreSettings): ChildProcessByStdio<null, Readable, null> =>
  spawn(process.execPath, [WRITER, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

/** Lets it write until so many commits are acknowledged, then kills it in the middle of the next. */
const killAfter = async (settings: StoreSettings, count: number): Promise<readonly string[]> => {
  const writer = startWriter(settings)
  const lines: string[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    lines.push(line)
    if (lines.length === count) writer.kill('SIGKILL')
  }
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit')
  return lines
}

export const durabilityContract = (on: Implementation): void => {
  describe('durability', () => {
    test('kill -9 while writing loses no acknowledged commit and leaves no half one', async () => {
      const settings = await on.fresh()
      const acknowledged: string[] = []
      for (let round = 0; round < 3; round++) {
        acknowledged.push(...(await killAfter(settings, ACKNOWLEDGED)))
      }
      assert.ok(acknowledged.length >= 3 * ACKNOWLEDGED)
      const store = await openFor(settings)
      const entries = await store.read((tx) => tx.audit.read(0, 100_000))
      assert.deepEqual(
        entries.map((entry) => entry.sequence),
        entries.map((_, index) => index + 1),
      )
      const uris = new Set(entries.map((entry) => entry.body))
      for (const uri of acknowledged)
        assert.ok(uris.has(uri), `${uri} was acknowledged and is lost`)
      // Each transaction wrote a resource and three entries about it, together.
      const found = await store.read((tx) => tx.resources.find([...uris].map(toResourceUri)))
      assert.equal(found.size, uris.size)
      assert.equal(entries.length, uris.size * 3)
    })
  })
}
