// A peer's name is exactly a DNS name; nothing that only looks like one is repaired into one.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parsePeerDomain } from '../../../src/federation/index.ts'

describe('the name of a peer', () => {
  for (const raw of ['kms.globex.example', 'a.b', 'xn--bcher-kva.example', 'k1-2.example.co']) {
    test(`may be ${raw}`, () => assert.equal(parsePeerDomain(raw), raw))
  }

  const refused: readonly unknown[] = [
    'kms',
    'KMS.globex.example',
    'kms.globex.example.',
    '.kms.globex.example',
    'kms..example',
    '*.globex.example',
    'kms.globex.example:443',
    'kms://kms.globex.example',
    '192.0.2.1',
    '-kms.example',
    'kms-.example',
    'kms_1.example',
    'kms.globex.example\n',
    'kms.glоbex.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(130)}example`,
    '',
    7,
    undefined,
  ]
  for (const raw of refused) {
    test(`is not ${JSON.stringify(raw)?.slice(0, 60)}`, () => {
      assert.equal(parsePeerDomain(raw), undefined)
    })
  }
})
