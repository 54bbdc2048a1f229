import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  bindRefusal,
  isBindable,
  readKeyRefusal,
  resourceRefusal,
} from '../../../../src/kms/access/access.ts'
import { isLapsed } from '../../../../src/kms/authorization.ts'
import type { Key } from '../../../../src/kms/key.ts'
import type { Resource } from '../../../../src/kms/resource.ts'
import { after, type Instant, seconds } from '../../../../src/time.ts'
import {
  ALICE,
  aBoundKey,
  anUnboundKey,
  aResource,
  BOB,
  KEY_URI,
  NOW,
  RESOURCE_URI,
} from '../world.ts'

const later = (count: number): Instant => after(NOW, seconds(count))

describe('a resource may be used', () => {
  const ending = aResource({ expiresAt: later(10) })
  const rows: readonly [string, Resource | undefined, boolean, Instant, string | undefined][] = [
    ['by one who reaches it', aResource(), true, NOW, undefined],
    ['until its time is over', ending, true, later(9), undefined],
    ['not by a stranger', aResource(), false, NOW, 'kms.not-authorized'],
    ['not if there is none', undefined, false, NOW, 'kms.unknown-resource'],
    ['not if there is none, even if somehow reached', undefined, true, NOW, 'kms.unknown-resource'],
    ['not at the moment when it ends', ending, true, later(10), 'kms.unknown-resource'],
    ['not later', ending, false, later(11), 'kms.unknown-resource'],
  ]
  for (const [what, resource, reached, now, code] of rows) {
    test(what, () => {
      assert.equal(resourceRefusal({ resource, reached }, RESOURCE_URI, now)?.refused, code)
    })
  }
})

describe('a key may be read', () => {
  const unbound = anUnboundKey({ bindBy: later(10) })
  const rows: readonly [string, Key | undefined, boolean, string, Instant, string | undefined][] = [
    ['unbound, by its creator', unbound, false, ALICE, NOW, undefined],
    ['unbound, by its creator to the last moment', unbound, false, ALICE, later(9), undefined],
    ['unbound, not by others', unbound, false, BOB, NOW, 'kms.not-key-creator'],
    [
      'unbound, not by others even if somehow reached',
      unbound,
      true,
      BOB,
      NOW,
      'kms.not-key-creator',
    ],
    ['unbound, not after its time', unbound, false, ALICE, later(10), 'kms.key-expired'],
    [
      'unbound, not by others after its time: nothing is told',
      unbound,
      false,
      BOB,
      later(10),
      'kms.not-key-creator',
    ],
    ['bound, by whoever reaches its resource', aBoundKey(), true, BOB, NOW, undefined],
    [
      'bound, not by its creator without reaching',
      aBoundKey(),
      false,
      ALICE,
      NOW,
      'kms.not-authorized',
    ],
    ['bound, for ever', aBoundKey(), true, BOB, later(1e9), undefined],
    ['not if there is none', undefined, true, ALICE, NOW, 'kms.unknown-key'],
  ]
  for (const [what, key, reached, subject, now, code] of rows) {
    test(what, () => {
      assert.equal(readKeyRefusal({ key, reached }, subject, KEY_URI, now)?.refused, code)
    })
  }
})

describe('a key may be bound', () => {
  const unbound = anUnboundKey({ bindBy: later(10) })
  const rows: readonly [string, Key | undefined, string, Instant, string | undefined][] = [
    ['by its creator', unbound, ALICE, NOW, undefined],
    ['by its creator to the last moment', unbound, ALICE, later(9), undefined],
    ['not at the moment when its time ends', unbound, ALICE, later(10), 'kms.key-expired'],
    ['not by others', unbound, BOB, NOW, 'kms.not-key-creator'],
    ['not again', aBoundKey(), ALICE, NOW, 'kms.key-already-bound'],
    [
      'not by others, who do not learn that it is bound',
      aBoundKey(),
      BOB,
      NOW,
      'kms.not-key-creator',
    ],
    ['not if there is none', undefined, ALICE, NOW, 'kms.unknown-key'],
  ]
  for (const [what, key, subject, now, code] of rows) {
    test(what, () => {
      assert.equal(bindRefusal(key, subject, KEY_URI, now)?.refused, code)
    })
  }
})

test('the last moment to bind is the one before the bind-by time', () => {
  assert.equal(
    isBindable(anUnboundKey({ bindBy: later(10) }), after(later(10), seconds(-1))),
    false,
  )
  assert.equal(isBindable(anUnboundKey({ bindBy: later(10) }), later(9)), true)
})

test('an authorization lapses at the moment it names, or never', () => {
  const authorization = {
    uri: `${RESOURCE_URI}` as never,
    resourceUri: RESOURCE_URI,
    authId: ALICE,
    kind: 'user',
    role: 'participant',
    createdBy: ALICE,
    createdAt: NOW,
  } as const
  assert.equal(isLapsed(authorization, later(1e9)), false)
  assert.equal(isLapsed({ ...authorization, expiresAt: later(5) }, later(4)), false)
  assert.equal(isLapsed({ ...authorization, expiresAt: later(5) }, later(5)), true)
})
