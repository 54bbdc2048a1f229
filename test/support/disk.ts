// A disk that can be filled, for real: a tmpfs of a few megabytes. Needs root for the mount.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const MEGABYTE = 1024 * 1024

/** A disk of that size, gone after the test; undefined where there can be none. */
export const aDisk = (t: TestContext, megabytes: number): string | undefined => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm full-'))
  const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', folder]
  const isMounted = spawnSync('mount', options).status === 0
  t.after(() => {
    if (isMounted) spawnSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  return isMounted ? folder : undefined
}

/** Takes every byte that is left but for so many; answers how to give them back. */
export const fill = (folder: string, leave = 0): (() => void) => {
  const file = join(folder, 'filler')
  writeFileSync(file, new Uint8Array(0))
  for (let size = MEGABYTE; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) appendFileSync(file, new Uint8Array(size))
    } catch (error) {
      assert.equal(Object(error).code, 'ENOSPC')
    }
  }
  truncateSync(file, Math.max(0, statSync(file).size - leave))
  return () => rmSync(file)
}
