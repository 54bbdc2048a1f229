// The file of pinned signers is believed whole or not at all, and never names the development key.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  DEVELOPMENT_ED25519_B64U,
  encodeSigners,
  isDevelopment,
  isReleaseProblem,
  parseSigners,
  pinnedSigners,
} from '../../../src/release/index.ts'
import { KEYS } from '../../support/release-fixture.ts'

const other = { ...KEYS.signer, ed25519: new Uint8Array(32).fill(7) }

const problemOf = (text: string): string | undefined => {
  const signers = pinnedSigners(text)
  return isReleaseProblem(signers) ? signers.problem : undefined
}

describe('pinned signers', () => {
  it('are read as they were written', () => {
    assert.equal(encodeSigners(parseSigners(encodeSigners([other])) ?? []), encodeSigners([other]))
    assert.equal(problemOf(encodeSigners([other])), undefined)
  })

  it('never include the development key, under whatever name', () => {
    assert.equal(Buffer.from(KEYS.signer.ed25519).toString('base64url'), DEVELOPMENT_ED25519_B64U)
    assert.ok(isDevelopment(KEYS.signer))
    const renamed = {
      ...KEYS.signer,
      name: 'releases.acme.example',
      log: KEYS.signer.log.map((key) => ({ ...key, name: 'releases.acme.example' })),
    }
    assert.equal(problemOf(encodeSigners([other, renamed])), 'release.development-key')
  })

  it('are unreadable when anything of them is', () => {
    const good = encodeSigners([other])
    for (const odd of [
      '',
      'null',
      '{}',
      good.replace('signers/v1', 'signers/v2'),
      good.replace('"name"', '"nome"'),
      good.replace('"signers": [', '"more": 1, "signers": ['),
      good.replace(/"ed25519": "./, '"ed25519": "'),
      encodeSigners([{ ...other, name: 'another' }]),
      encodeSigners([{ ...other, log: [] }]),
      encodeSigners([]),
    ]) {
      assert.equal(problemOf(odd), 'release.signers-unreadable', odd.slice(0, 80))
    }
  })
})
