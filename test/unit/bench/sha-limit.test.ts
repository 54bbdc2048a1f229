import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseShaSpeed } from '../../../scripts/bench/sha-limit.ts'

test('the limit of tokens is read from the last column of openssl', () => {
  const printed = `version: 3.0.19
type             16 bytes     64 bytes   16384 bytes
sha256           86018.47k   296399.66k  1372095.57k
`
  assert.equal(parseShaSpeed(printed), 1_372_095_570)
  assert.equal(parseShaSpeed('nothing of the kind'), undefined)
})
