// The verifier that auditors take away is the appliance's own code: built anew, it is the file that is checked in.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { buildVerifier, VERIFIER } from '../../scripts/build-verifier.ts'

describe('verifier/audit-verify.mjs', () => {
  const built = buildVerifier()

  it('is what its sources make (node scripts/build-verifier.ts)', () => {
    assert.ok(readFileSync(VERIFIER, 'utf8') === built, 'it is out of date: build it again')
  })

  it('imports Node and nothing else, and reaches no network', () => {
    const imports = [...built.matchAll(/^import .* from '(.*)'/gm)].map(([, from]) => from)
    assert.deepEqual(imports, ['node:crypto', 'node:fs', 'node:path', 'node:util'])
    assert.doesNotMatch(built, /\bfetch\(|\bimport\(|\brequire\(/)
  })

  it('can be read in an hour', () => {
    // 25 lines a minute, a good part of them blank or comment.
    assert.ok(built.split('\n').length < 1500)
  })
})
