import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuthorizationUri } from '../../../../src/id.ts'
import type { Anonymous } from '../../../../src/identity/index.ts'
import { organizationRefusal, ownSubject, subjectOf } from '../../../../src/kms/access/on-behalf.ts'
import { ROUTES } from '../../../../src/kms/corridor/routes.ts'
import type { OperationName } from '../../../../src/protocol/index.ts'
import { codeOf } from '../../identity/world.ts'
import {
  ALICE,
  aPerson,
  BOB,
  HOME,
  NOW,
  ORGANIZATION,
  OTHER_ORGANIZATION,
  RESOURCE_URI,
} from '../world.ts'

const ROLE = 'spark.kms_orgagent'
const officer = aPerson({ roles: new Set([ROLE]) })
const bearer: Anonymous = {
  kind: 'anonymous',
  authorizationUri:
    `${HOME}/authorizations/00000000-0000-4000-8000-000000000009` as AuthorizationUri,
  resourceUri: RESOURCE_URI,
  tokenExpiresAt: NOW,
}
const NAMES = Object.keys(ROUTES) as OperationName[]
const READING = new Set<OperationName>([
  'ping',
  'retrieve-key',
  'retrieve-keys',
  'retrieve-resource',
  'retrieve-authorizations',
  'retrieve-authorization',
])

describe('the subject of a request', () => {
  test('is the caller, where nobody is named', () => {
    assert.equal(subjectOf(aPerson(), undefined, 'retrieve-key', ROLE), ALICE)
    assert.equal(subjectOf(officer, undefined, 'create-keys', ROLE), ALICE)
    assert.equal(subjectOf(bearer, undefined, 'retrieve-key', ROLE), bearer.authorizationUri)
    assert.equal(ownSubject(bearer), bearer.authorizationUri)
  })

  for (const name of NAMES) {
    test(`of ${name} is the caller who names herself, with or without the role`, () => {
      assert.equal(subjectOf(aPerson(), ALICE, name, ROLE), ALICE)
      assert.equal(subjectOf(officer, ALICE, name, ROLE), ALICE)
    })

    test(`of ${name} is ${READING.has(name) ? 'whom the officer names' : 'nobody else, even for the officer'}`, () => {
      const subject = subjectOf(officer, BOB, name, ROLE)
      if (READING.has(name)) assert.equal(subject, BOB)
      else assert.equal(codeOf(subject), 'identity.on-behalf-not-allowed')
    })

    test(`of ${name} is nobody else without the role, or for the holder of a bearer`, () => {
      const others = [
        aPerson(),
        aPerson({ roles: new Set(['admin', ROLE.toUpperCase(), '']) }),
        bearer,
      ]
      for (const by of others) {
        assert.equal(codeOf(subjectOf(by, BOB, name, ROLE)), 'identity.on-behalf-not-allowed')
      }
    })
  }
})

describe('the organisation of the subject', () => {
  const rows = [
    ['the same', officer, ORGANIZATION, undefined],
    ['another', officer, OTHER_ORGANIZATION, 'identity.on-behalf-outside-organization'],
    ['unknown', officer, undefined, 'identity.on-behalf-outside-organization'],
    [
      'the same, but the caller is no person',
      bearer,
      ORGANIZATION,
      'identity.on-behalf-outside-organization',
    ],
    ['unknown on both sides', bearer, undefined, 'identity.on-behalf-outside-organization'],
  ] as const
  for (const [what, by, organizationId, code] of rows) {
    test(`${what}: ${code ?? 'fine'}`, () => {
      assert.equal(organizationRefusal(by, organizationId)?.refused, code)
    })
  }
})
