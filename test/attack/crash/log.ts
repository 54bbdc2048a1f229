// The audit log that a dead realm left behind: read whole, its numbers and its counters checked.

import assert from 'node:assert/strict'
import type { Transaction } from '../../../src/kms/index.ts'
import { openStore, type StoreSettings } from '../../../src/store/index.ts'
import type { Json } from '../../support/device.ts'
import { assertNumbered } from '../../support/numbered.ts'

export type Entry = Json & { readonly keys?: readonly string[]; readonly resource?: string }
export type Log = readonly Entry[]

export const readLog = async (tx: Transaction): Promise<Log> => {
  const stored = await tx.audit.read(0, 1_000_000)
  assertNumbered(stored)
  const entries: Log = stored.map(({ body }) => JSON.parse(body))
  const boots = Map.groupBy(entries, ({ boot }) => boot)
  for (const [boot, ofBoot] of boots) {
    const counters = ofBoot.map(({ counter }) => counter)
    const whole = ofBoot.map((_entry, index) => index + 1)
    assert.deepEqual(counters, whole, `entries of boot ${boot} are missing`)
  }
  return entries
}

interface Wanted {
  readonly requestId: string
  readonly action: string
}

/** The one entry that says that it was done, if it was. */
export const doneFor = (log: Log, { requestId, action }: Wanted): Entry | undefined => {
  const done = log.filter((one) => one['requestId'] === requestId && one['outcome'] === 'done')
  const acts = done.filter((one) => one['action'] === action)
  assert.ok(acts.length <= 1, `${action} happened ${acts.length} times`)
  return acts[0]
}

/** A look at what a dead realm left, before another one starts on it. */
export const inspect = async (
  store: StoreSettings,
  look: (tx: Transaction) => Promise<void>,
): Promise<void> => {
  const opened = await openStore(store)
  try {
    await opened.read(look)
  } finally {
    await opened.close()
  }
}
