// How long the disk under the databases takes to make a few kilobytes durable. Every group of requests waits for that
// once, so it is the limit of a lone device and the reason for group commits.
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Spread, spreadOf } from './statistics.ts'

const WRITES = 60
const BYTES = 8192

export function measureFlush(folder: string): Spread {
  const file = join(folder, 'flush')
  const descriptor = openSync(file, 'w', 0o600)
  const page = Buffer.alloc(BYTES, 1)
  const times = Array.from({ length: WRITES }, () => {
    writeSync(descriptor, page)
    const startMs = performance.now()
    fdatasyncSync(descriptor)
    return performance.now() - startMs
  })
  closeSync(descriptor)
  rmSync(file)
  return spreadOf(times)
}
