import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { assemble, moduleText } from '../../../scripts/wasm/module-text.ts'
import { FIRST_STATE, ROUND_CONSTANTS } from '../../../scripts/wasm/token-engine.ts'

const FILE = new URL('../../../src/crypto/token-engine-wasm.ts', import.meta.url)

describe('the token engine’s WebAssembly', () => {
  it('is what its source in the repository gives, byte for byte', async () => {
    assert.equal(readFileSync(FILE, 'utf8'), moduleText(await assemble()))
  })

  it('has the constants of FIPS 180-4', () => {
    assert.deepEqual(FIRST_STATE.slice(0, 2), [0x6a09e667, 0xbb67ae85])
    assert.deepEqual([ROUND_CONSTANTS[0], ROUND_CONSTANTS[63]], [0x428a2f98, 0xc67178f2])
  })
})
