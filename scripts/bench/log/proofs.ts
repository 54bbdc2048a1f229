// Proofs out of a large log in the real store: entries appended, integrated and published by the appliance's own code,
// then inclusion and consistency proofs asked for at random, as a command or an auditor asks.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { proveConsistency, proveInclusion } from '../../../src/audit/index.ts'
import { type OpenStore, openStore } from '../../../src/store/index.ts'
import { folder, now, publisherOf, say } from './entries.ts'

/** Entries of few bytes, so that ten million of them are minutes and not an hour: a proof does not depend on them. */
const bodyOf = (sequence: number): string => `{"counter":${sequence}}`
const STEP = 4096
const RUNS = 5000

const fill = async (store: OpenStore, count: number): Promise<void> => {
  const publisher = publisherOf(store)
  for (let first = 1; first <= count; first += STEP) {
    const length = Math.min(STEP, count + 1 - first)
    const entries = Array.from({ length }, (_, at) => ({
      sequence: first + at,
      body: bodyOf(first + at),
    }))
    await store.transact((tx) => tx.audit.append(entries, now()))
    await publisher.step()
  }
}

const timesOf = async (work: () => Promise<unknown>): Promise<readonly number[]> => {
  const times: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now()
    const proof = await work()
    if (proof === undefined) throw new Error('no proof')
    times.push(performance.now() - start)
  }
  return times.sort((left, right) => left - right)
}

export const benchProofs = async (count: number): Promise<void> => {
  const file = join(folder, 'proofs.sqlite')
  const store = await openStore({ kind: 'sqlite', file })
  const start = performance.now()
  await fill(store, count)
  const took = Math.round((performance.now() - start) / 1000)
  say(`proofs: ${count} short entries appended and published in ${took} s (SQLite)`)
  const upTo = () => 1 + Math.floor(Math.random() * count)
  const kinds = {
    inclusion: () => store.read((tx) => proveInclusion(tx, upTo())),
    consistency: () => store.read((tx) => proveConsistency(tx, upTo())),
  }
  for (const [kind, work] of Object.entries(kinds)) {
    const times = await timesOf(work)
    const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(2)
    say(`proofs: ${kind} in ${count}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  }
  await store.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}
