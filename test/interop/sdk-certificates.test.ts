// The SDK's certificate validator with its own list of roots: it must accept our realm by the
// realm's root alone and refuse it by any other, before a single KMS request is sent.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootCertificates } from 'node:tls'
import { InvalidKms, signIn } from './sdk.ts'
import { carootsOf, realm, user } from './world.ts'

const bare = (pem = ''): string => pem.replace(/-----[A-Z ]+-----|\s/g, '')
const strangers = rootCertificates.slice(0, 2).map(bare)

test('the realm is accepted by its own root', async () => {
  await using sdk = await signIn(user('alice'), { caroots: carootsOf(realm('acme')) })
  assert.equal((await sdk.kms.ping()).status, 200)
})

test('the realm’s root is found among others', async () => {
  const caroots = [...strangers, ...carootsOf(realm('acme'))]
  await using sdk = await signIn(user('alice'), { caroots })
  assert.equal((await sdk.kms.ping()).status, 200)
})

test('the realm is refused, and the application told, when only others are trusted', async () => {
  await using sdk = await signIn(user('alice'), { caroots: strangers })
  let told = 0
  sdk.webex.on('client:InvalidRequestError', () => {
    told += 1
  })
  await assert.rejects(sdk.kms.ping(), InvalidKms)
  assert.equal(told, 1)
})

test('a realm is refused by the root of another realm', async () => {
  await using sdk = await signIn(user('alice'), { caroots: carootsOf(realm('globex')) })
  await assert.rejects(sdk.kms.ping(), InvalidKms)
})

test('an empty list of roots trusts no one', async () => {
  await using sdk = await signIn(user('alice'), { caroots: [] })
  await assert.rejects(sdk.kms.ping(), InvalidKms)
})
