// Who writes the release log cannot take anything back either: a version once, and only newer ones after it.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { layOut } from '../../../scripts/releasing/release-log.ts'
import { Frontier, leafHash } from '../../../src/audit/index.ts'
import { compareVersions, isPath, isVersion } from '../../../src/release/index.ts'
import { evidenceOf, manifestOf } from '../../support/release-fixture.ts'

describe('the release log', () => {
  const first = evidenceOf(manifestOf('0.2.0'))

  it('does not change when the same release is built again', () => {
    assert.deepEqual(evidenceOf(manifestOf('0.2.0'), first), first)
  })

  it('takes no older version, and no other release of the same version', () => {
    assert.throws(() => evidenceOf(manifestOf('0.1.9'), first), /not newer/)
    assert.throws(() => evidenceOf(manifestOf('0.2.0', 'other'), first), /not newer/)
  })

  it('grows past one tile', () => {
    const entries = Array.from({ length: 261 }, (_, index) => Buffer.from(`${index}`))
    const { files, root } = layOut(entries)
    assert.deepEqual([...files.keys()].sort(), [
      'tile/0/000',
      'tile/0/001.p/5',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/5',
    ])
    const tree = new Frontier()
    for (const entry of entries) tree.append(leafHash(entry))
    assert.deepEqual(root, tree.root())
  })
})

describe('spelling', () => {
  it('orders versions by number', () => {
    assert.ok(compareVersions('0.9.0', '0.10.0') < 0)
    assert.ok(compareVersions('1.0.0', '0.99.99') > 0)
    assert.equal(compareVersions('1.2.3', '1.2.3'), 0)
  })

  it('knows one spelling of a version', () => {
    for (const odd of ['1.2', '01.2.3', '1.2.3-rc', 'v1.2.3', '1.2.3 ', 123]) {
      assert.equal(isVersion(odd), false)
    }
  })

  it('keeps paths below where they begin', () => {
    for (const odd of [
      '/etc/passwd',
      '../x',
      'a/../b',
      'a/./b',
      'a//b',
      'a/',
      '',
      'a b',
      'a\nb',
      'ü',
    ]) {
      assert.equal(isPath(odd), false)
    }
    assert.ok(isPath('usr/lib/keyrealm/node_modules/@a+b/c-d_e.node'))
  })
})
