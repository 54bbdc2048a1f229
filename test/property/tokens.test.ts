// Laws of the token engine: whatever goes in, the same as OpenSSL and @noble/hashes.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import {
  prepareTokenKey,
  SecretBytes,
  TOKEN_BYTES,
  TokenInputs,
  tokensOf,
} from '../../src/crypto/index.ts'

type Pair = readonly [key: Uint8Array, inputs: readonly (Uint8Array | string)[]]

const made = (pairs: readonly Pair[]): string[] => {
  const inputs = new TokenInputs()
  for (const [key, texts] of pairs) {
    inputs.under(prepareTokenKey(SecretBytes.from(Uint8Array.from(key))))
    for (const text of texts) {
      if (typeof text === 'string') inputs.add(text)
      else inputs.addBytes(text)
    }
  }
  const all = Buffer.from(tokensOf(inputs)).toString('hex')
  return all.match(new RegExp(`.{${2 * TOKEN_BYTES}}`, 'g')) ?? []
}

const byOpenSsl = (key: Uint8Array, input: Uint8Array | string): string =>
  createHmac('sha256', key)
    .update(input)
    .digest('hex')
    .slice(0, 2 * TOKEN_BYTES)
const byNoble = (key: Uint8Array, input: Uint8Array | string): string => {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input
  return Buffer.from(hmac(sha256, key, bytes))
    .toString('hex')
    .slice(0, 2 * TOKEN_BYTES)
}

const lengths = (most: number): Uint8Array[] =>
  Array.from({ length: most + 1 }, (_, length) =>
    Uint8Array.from({ length }, (_, at) => (at * 89 + length) & 0xff),
  )

describe('laws of the token engine', () => {
  it('agrees with OpenSSL and @noble/hashes for every length of input up to 200 bytes', () => {
    const key = Uint8Array.from({ length: 32 }, (_, at) => at)
    const inputs = lengths(200)
    const tokens = made([[key, inputs]])
    assert.deepEqual(
      tokens,
      inputs.map((input) => byOpenSsl(key, input)),
    )
    assert.deepEqual(
      tokens,
      inputs.map((input) => byNoble(key, input)),
    )
  })

  it('agrees with OpenSSL for every length of key up to 200 bytes', () => {
    const keys = lengths(200)
    assert.deepEqual(
      made(keys.map((key) => [key, ['word', '']])),
      keys.flatMap((key) => [byOpenSsl(key, 'word'), byOpenSsl(key, '')]),
    )
  })

  it('agrees for any mixture of keys, texts and numbers of inputs', () => {
    const input = fc.oneof(
      fc.uint8Array({ maxLength: 150 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
    )
    const pair = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.array(input, { maxLength: 12 }))
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 6 }), (pairs) => {
        const expected = pairs.flatMap(([key, inputs]) =>
          inputs.map((each) => byOpenSsl(key, each)),
        )
        assert.deepEqual(made(pairs), expected)
      }),
      { numRuns: 200 },
    )
  })

  it('agrees beyond the size of one batch and of its memory', () => {
    const key = new Uint8Array(32).fill(7)
    const long = new Uint8Array(300_000).fill(5)
    const inputs = [...Array.from({ length: 5000 }, (_, index) => `word ${index}`), long, 'after']
    assert.deepEqual(
      made([[key, inputs]]),
      inputs.map((input) => byOpenSsl(key, input)),
    )
  })
})
