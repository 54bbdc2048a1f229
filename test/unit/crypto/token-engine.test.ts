// A copy of the engine of its own, whose memory the test can see.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KEYS_AT, SCRATCH_END, STATE_AT } from '../../../src/crypto/token-memory.ts'

interface WebAssemblyApi {
  Instance: new (
    module: object,
  ) => { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } } }
}

const api: WebAssemblyApi = Reflect.get(globalThis, 'WebAssembly')

describe('the token engine', () => {
  it('keeps neither keys nor words nor blocks in its memory between calls', async () => {
    const memories: { readonly buffer: ArrayBuffer }[] = []
    const Real = api.Instance
    api.Instance = new Proxy(Real, {
      construct(target, args) {
        const instance = Reflect.construct(target, args)
        memories.push(instance.exports.memory)
        return instance
      },
    })
    const copy: typeof import('../../../src/crypto/token-engine.ts') = await import(
      `../../../src/crypto/token-engine.ts?${'own-memory'}`
    )
    const keyStates = copy.hmacStates(new Uint8Array(32).fill(0xab))
    api.Instance = Real
    const [memory] = memories
    assert.ok(memory)
    const isClean = (): boolean => {
      const all = new Uint8Array(memory.buffer)
      return [all.subarray(STATE_AT, SCRATCH_END), all.subarray(KEYS_AT)].every((part) =>
        part.every((byte) => byte === 0),
      )
    }
    assert.ok(isClean())
    const bytes = new Uint8Array(200_000).fill(0xcd)
    const ends = Uint32Array.from([3, 70, 70, 199_000, 200_000])
    const tokens = copy.packedTokens({ bytes, ends, runs: Uint32Array.of(0), keyStates })
    assert.ok(tokens.some((byte) => byte !== 0))
    assert.ok(isClean())
  })
})
