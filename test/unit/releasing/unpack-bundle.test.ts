// An offline bundle is a stranger's archive: each package in it is held against the lockfile, and what was held is unpacked.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'

const PROGRAM = join(import.meta.dirname, '../../../scripts/releasing/unpack-bundle.mjs')

describe('an offline bundle', () => {
  let folder: string
  let archive: string
  const at = (...names: readonly string[]): string => join(folder, ...names)

  const unpack = () => {
    execFileSync('tar', ['-cf', at('bundle.tar'), '-C', at('bundle'), '.'])
    const { status, stderr } = spawnSync(
      process.execPath,
      [PROGRAM, at('bundle.tar'), at('checkout')],
      { encoding: 'utf8', timeout: 20_000 },
    )
    return { status, stderr, isThere: existsSync(at('checkout/node_modules/one/index.js')) }
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyrealm-unpack-'))
    for (const name of ['bundle/packages', 'checkout', 'package']) {
      mkdirSync(at(name), { recursive: true })
    }
    writeFileSync(at('package/index.js'), 'honest\n')
    execFileSync('tar', ['-czf', at('one.tgz'), '-C', folder, 'package'])
    const hash = createHash('sha512').update(readFileSync(at('one.tgz')))
    const hex = hash.copy().digest('hex')
    archive = at('bundle/packages', `${hex.slice(0, 64)}.tgz`)
    renameSync(at('one.tgz'), archive)
    const row = { version: '1.0.0', integrity: `sha512-${hash.digest('base64')}` }
    const packages = { '': {}, 'node_modules/one': row }
    writeFileSync(at('checkout/package-lock.json'), JSON.stringify({ packages }))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('becomes the packages of the lockfile', () => {
    assert.deepEqual(unpack(), { status: 0, stderr: '', isThere: true })
    assert.equal(readFileSync(at('checkout/node_modules/one/index.js'), 'utf8'), 'honest\n')
  })

  it('is refused when a package is another, is missing, or is no plain file', () => {
    const kept = at('kept.tgz')
    renameSync(archive, kept)
    assert.match(unpack().stderr, /has no node_modules\/one 1\.0\.0/)
    symlinkSync(kept, archive)
    assert.match(unpack().stderr, /has no node_modules\/one/)
    rmSync(archive)
    execFileSync('mkfifo', [archive])
    assert.match(unpack().stderr, /has no node_modules\/one/)
    rmSync(archive)
    writeFileSync(archive, Buffer.concat([readFileSync(kept), Buffer.alloc(1)]))
    const { status, stderr, isThere } = unpack()
    assert.match(stderr, /another node_modules\/one than the lockfile/)
    assert.deepEqual({ status, isThere }, { status: 1, isThere: false })
  })
})
