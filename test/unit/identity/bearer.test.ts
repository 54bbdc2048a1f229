import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { personFromClaims } from '../../../src/identity/index.ts'
import { isRefusal } from '../../../src/refusal.ts'
import { seconds } from '../../../src/time.ts'
import {
  ACME,
  ALICE,
  anIssuer,
  codeOf,
  GLOBEX,
  ISSUER,
  START,
  START_SECONDS,
  someClaims,
} from './world.ts'

const judge = (changes: Record<string, unknown>, skewSeconds = 30) =>
  personFromClaims({
    claims: someClaims(changes),
    issuer: anIssuer({ clockSkew: seconds(skewSeconds) }),
    now: START,
  })

test('good claims describe a person, and nothing but the claims does', () => {
  assert.deepEqual(judge({}), {
    kind: 'person',
    userId: ALICE,
    organizationId: ACME,
    roles: new Set(['spark.kms_orgagent']),
    tokenExpiresAt: START + 3_600_000,
    issuer: ISSUER,
  })
})

const ACCEPTED: readonly (readonly [string, Record<string, unknown>])[] = [
  ['our audience among others', { aud: ['other', 'urn:keyrealm:kms'] }],
  ['the scope named twice', { scope: 'spark:kms spark:kms' }],
  ['the scope as scp array', { scope: undefined, scp: ['spark:kms'] }],
  ['the scope as scp string', { scope: undefined, scp: 'spark:kms' }],
  ['expired, but within the skew', { exp: START_SECONDS - 29 }],
  ['not yet valid, but within the skew', { nbf: START_SECONDS + 30 }],
  ['no roles at all', { roles: undefined }],
  ['roles as words', { roles: 'a b' }],
  ['a fraction of a second in exp', { exp: START_SECONDS + 0.5 }],
]

for (const [title, changes] of ACCEPTED) {
  test(`claims are accepted with ${title}`, () => assert.equal(isRefusal(judge(changes)), false))
}

const REFUSED: readonly (readonly [string, Record<string, unknown>])[] = [
  ['identity.wrong-issuer', { iss: 'https://idp.acme.example/' }],
  ['identity.wrong-issuer', { iss: undefined }],
  ['identity.wrong-issuer', { iss: [ISSUER] }],
  ['identity.wrong-audience', { aud: 'urn:keyrealm:core' }],
  ['identity.wrong-audience', { aud: undefined }],
  ['identity.wrong-audience', { aud: [] }],
  ['identity.wrong-audience', { aud: [['urn:keyrealm:kms']] }],
  ['identity.wrong-audience', { aud: 'urn:keyrealm:kms-opaque' }],
  ['identity.token-malformed', { exp: undefined }],
  ['identity.token-malformed', { exp: '9999999999' }],
  ['identity.token-malformed', { exp: Number.POSITIVE_INFINITY }],
  ['identity.token-malformed', { nbf: 'now' }],
  ['identity.token-expired', { exp: START_SECONDS - 30 }],
  ['identity.token-expired', { exp: -1 }],
  ['identity.token-expired', { nbf: START_SECONDS + 31 }],
  ['identity.wrong-scope', { scope: undefined }],
  ['identity.wrong-scope', { scope: '' }],
  ['identity.wrong-scope', { scope: 'spark:kms openid' }],
  ['identity.wrong-scope', { scope: 'Spark:KMS' }],
  ['identity.wrong-scope', { scope: 'spark:kms', scp: ['spark:all'] }],
  ['identity.wrong-scope', { scope: ['spark:kms', 7] }],
  ['identity.wrong-scope', { scope: 'spark:kms\tspark:kms' }],
  ['identity.invalid-subject', { sub: undefined }],
  ['identity.invalid-subject', { sub: ALICE.toUpperCase() }],
  ['identity.invalid-subject', { sub: 'alice' }],
  ['identity.invalid-subject', { sub: `${ALICE}\n` }],
  ['identity.organization-not-served', { organization_id: undefined }],
  ['identity.organization-not-served', { organization_id: GLOBEX }],
  ['identity.organization-not-served', { organization_id: [ACME] }],
  ['identity.token-malformed', { roles: [1] }],
  ['identity.token-malformed', { roles: { admin: true } }],
]

for (const [code, changes] of REFUSED) {
  test(`claims are refused as ${code} with ${JSON.stringify(changes)}`, () => {
    assert.equal(codeOf(judge(changes)), code)
  })
}

test('without skew the last second of a token is its last', () => {
  assert.equal(codeOf(judge({ exp: START_SECONDS }, 0)), 'identity.token-expired')
  assert.equal(isRefusal(judge({ exp: START_SECONDS + 1 }, 0)), false)
})

test('whatever the claims are, they give a person or a refusal', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom(
          'iss',
          'aud',
          'exp',
          'nbf',
          'scope',
          'scp',
          'sub',
          'organization_id',
          'roles',
        ),
        fc.jsonValue(),
      ),
      (changes) => {
        const answer = judge(changes)
        if (isRefusal(answer)) return
        // Accepted: then nothing that matters was replaced by something else.
        assert.equal(answer.userId, ALICE)
        assert.equal(answer.organizationId, ACME)
      },
    ),
  )
})
