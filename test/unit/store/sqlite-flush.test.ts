import assert from 'node:assert/strict'
import fs, { mkdtempSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Fault } from '../../../src/fault.ts'
import { type OpenStore, openStore } from '../../../src/store/index.ts'
import { instant } from '../../../src/time.ts'

type Flushed = (error: Error | null) => void

// The flush of the disk is held here until a test lets it end; everything else is real.
const real = fs.fdatasync
let held: Flushed[] = []
let isHolding = false
let folder: string
let store: OpenStore

const holdFlushes = (): void => {
  isHolding = true
}

const letGo = (error: Error | null = null): void => {
  for (const flushed of held.splice(0)) flushed(error)
}

let mainKeys = 0
const write = (): Promise<void> =>
  store.transact(async (tx) => {
    mainKeys += 1
    const organizationId = '5f1d7c52-4d0e-4a57-9c8b-0a6e3b1f2ac1' as never
    await tx.keyring.insertMainKey({
      id: `main-${mainKeys}`,
      organizationId,
      createdAt: instant(1),
    })
  })

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const turns = async (): Promise<void> => {
  for (let count = 0; count < 20; count++) await turn()
}

describe('the flush of the write-ahead log', () => {
  beforeEach(async () => {
    isHolding = false
    held = []
    Object.assign(fs, {
      fdatasync: (fd: number, flushed: Flushed) => {
        if (isHolding) held.push(flushed)
        else real(fd, flushed)
      },
    })
    syncBuiltinESMExports()
    folder = mkdtempSync(join(tmpdir(), 'keyrealm-flush-'))
    store = await openStore({ kind: 'sqlite', file: join(folder, 'realm.sqlite') })
  })

  afterEach(async () => {
    isHolding = false
    letGo()
    await store.close()
    Object.assign(fs, { fdatasync: real })
    syncBuiltinESMExports()
    rmSync(folder, { recursive: true })
  })

  test('a commit is told only after a flush that began after it', async () => {
    holdFlushes()
    const told: string[] = []
    const first = write().then(() => told.push('first'))
    await turns()
    assert.equal(held.length, 1)
    const second = write().then(() => told.push('second'))
    await turns()
    assert.deepEqual(told, [])
    // The flush under way began before the second commit: it answers for the first one only.
    letGo()
    await turns()
    assert.deepEqual(told, ['first'])
    assert.equal(held.length, 1)
    letGo()
    await Promise.all([first, second])
    assert.deepEqual(told, ['first', 'second'])
  })

  test('commits that wait for the disk together share one flush', async () => {
    holdFlushes()
    const writes = [write()]
    await turns()
    for (let count = 0; count < 5; count++) writes.push(write())
    await turns()
    letGo()
    await turns()
    assert.equal(held.length, 1)
    letGo()
    await Promise.all(writes)
  })

  test('after a flush that failed nothing is told to be durable any more', async () => {
    const isNotDurable = (error: unknown) =>
      error instanceof Fault && error.code === 'store.not-durable'
    holdFlushes()
    const write1 = write()
    await turns()
    letGo(new Error('EIO'))
    await assert.rejects(write1, isNotDurable)
    isHolding = false
    await assert.rejects(write(), isNotDurable)
    await assert.rejects(store.check(), isNotDurable)
  })
})
