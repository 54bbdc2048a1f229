// Identifiers are exactly identifiers: nothing is trimmed, lower-cased or repaired.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isUuid, parseClientId, parseOrganizationId, parseUserId } from '../../../src/id.ts'

const ALICE = '0a5c1f0e-3c1c-4f6e-9d7e-2f1b8a4c6d5e'

describe('a UUID', () => {
  test('is accepted in lower case, and by every parser that asks for one', () => {
    assert.equal(isUuid(ALICE), true)
    assert.equal(parseUserId(ALICE), ALICE)
    assert.equal(parseOrganizationId(ALICE), ALICE)
  })

  test('may be of any version', () => {
    fc.assert(
      fc.property(fc.uuid({ version: [1, 3, 4, 5, 7] }), (uuid) => parseUserId(uuid) === uuid),
    )
  })

  const refused: readonly unknown[] = [
    ALICE.toUpperCase(),
    ` ${ALICE}`,
    `${ALICE}\n`,
    `{${ALICE}}`,
    `urn:uuid:${ALICE}`,
    ALICE.replaceAll('-', ''),
    ALICE.slice(1),
    `${ALICE}0`,
    '',
    0,
    null,
    undefined,
    [ALICE],
    { toString: () => ALICE },
  ]
  for (const raw of refused)
    test(`is not ${JSON.stringify(raw)}`, () => {
      assert.equal(isUuid(raw), false)
      assert.equal(parseUserId(raw), undefined)
      assert.equal(parseOrganizationId(raw), undefined)
    })
})

describe('a client id', () => {
  test('is a device URL as clients send it', () => {
    const url = `https://core.example/devices/${ALICE}`
    assert.equal(parseClientId(url), url)
  })

  test('has at most 1,024 characters', () => {
    assert.equal(parseClientId('x'.repeat(1024)), 'x'.repeat(1024))
    assert.equal(parseClientId('x'.repeat(1025)), undefined)
  })

  for (const raw of [
    '',
    'two words',
    'tab\t',
    'line\n',
    'null\0',
    'ümlaut',
    '\u007f',
    7,
    null,
    undefined,
  ])
    test(`is not ${JSON.stringify(raw)}`, () => assert.equal(parseClientId(raw), undefined))
})
