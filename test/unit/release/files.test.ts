// What lies on a disk is the manifest's, or the first thing wrong with it is named.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FoundFile, judgeFiles } from '../../../src/release/index.ts'
import { manifestOf, sha256Hex } from '../../support/release-fixture.ts'

const PREFIX = 'usr/lib/keyrealm/'
const manifest = manifestOf('0.1.0')
const program: FoundFile = {
  path: `${PREFIX}program/keyrealm.mjs`,
  kind: 'file',
  size: 7,
  sha256: sha256Hex('program'),
}
const problemOf = (...found: readonly FoundFile[]) => judgeFiles(manifest, PREFIX, found)

describe('files of a release', () => {
  it('are those of the manifest', () => {
    assert.equal(problemOf(program), undefined)
  })

  it('may have evidence beside them', () => {
    const path = `${PREFIX}release/log/checkpoint`
    assert.equal(problemOf(program, { ...program, path, sha256: sha256Hex('x') }), undefined)
  })

  it('are not altered, missing, foreign, or links', () => {
    const at = program.path
    assert.deepEqual(problemOf({ ...program, sha256: sha256Hex('Program') }), {
      problem: 'release.file-altered',
      at,
    })
    assert.deepEqual(problemOf({ ...program, size: 8 }), { problem: 'release.file-altered', at })
    assert.deepEqual(problemOf(), { problem: 'release.file-missing', at })
    assert.deepEqual(problemOf({ ...program, kind: 'other' }), {
      problem: 'release.not-a-file',
      at,
    })
    const foreign = `${PREFIX}program/realm/extra.mjs`
    assert.deepEqual(problemOf(program, { ...program, path: foreign }), {
      problem: 'release.file-unknown',
      at: foreign,
    })
  })
})
