// The file of pinned signers is believed whole or not at all, and never names the development key.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  encodeSigners,
  isDevelopment,
  isReleaseProblem,
  parseSigners,
  pinnedSigners,
  type Signer,
} from '../../../src/release/index.ts'
import { KEYS } from '../../support/release-fixture.ts'

const other: Signer = {
  ...KEYS.signer,
  ed25519: new Uint8Array(32).fill(7),
  mlDsa65: new Uint8Array(1952).fill(7),
  log: KEYS.signer.log.map((key) => ({ ...key, publicKey: key.publicKey.toReversed() })),
}

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
    assert.ok(isDevelopment(KEYS.signer))
    const renamed = {
      ...KEYS.signer,
      name: 'releases.acme.example',
      log: KEYS.signer.log.map((key) => ({ ...key, name: 'releases.acme.example' })),
    }
    assert.equal(problemOf(encodeSigners([other, renamed])), 'release.development-key')
    const { ed25519, mlDsa65, log } = KEYS.signer
    const [first, second] = log
    assert.ok(first !== undefined && second !== undefined)
    for (const half of [{ ed25519 }, { mlDsa65 }, { log: [first] }, { log: [second] }]) {
      const text = encodeSigners([{ ...other, ...half }])
      assert.equal(problemOf(text), 'release.development-key', Object.keys(half).join())
    }
  })

  it('may be laid out in another way, and in nothing else', () => {
    const good = encodeSigners([other])
    assert.equal(problemOf(JSON.stringify(JSON.parse(good))), undefined)
    assert.equal(problemOf(good.replaceAll('\n', '\r\n')), undefined)
    const key = /"ed25519": "[^"]+"/.exec(good)?.[0] ?? ''
    const twice = good.replace(key, `"ed25519": "${'B'.repeat(43)}",\n      ${key}`)
    const revoked = good.replace('"log"', '"revoked": true, "log"')
    for (const odd of [twice, revoked, `\u00a0${good}`]) {
      assert.equal(problemOf(odd), 'release.signers-unreadable')
    }
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
