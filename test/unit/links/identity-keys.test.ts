import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProviderKeys } from '../../../src/links/provider-keys.ts'
import { isRefusal } from '../../../src/refusal.ts'
import { milliseconds, seconds } from '../../../src/time.ts'
import { aSigner } from '../identity/world.ts'
import { aClock, settled } from './identity-world.ts'

const LIMITS = { freshFor: seconds(600), usableFor: seconds(3600), cooldown: seconds(3) }
const K1 = aSigner('k1', 'ec').publicJwk
const K2 = aSigner('k2', 'ec').publicJwk

const aWorld = () => {
  const clock = aClock()
  const provider: { keys: object[]; isDown: boolean; isSilent: boolean; asked: number } = {
    keys: [K1],
    isDown: false,
    isSilent: false,
    asked: 0,
  }
  const fetchKeys = async (): Promise<unknown> => {
    provider.asked += 1
    if (provider.isSilent) await new Promise(() => undefined)
    return provider.isDown ? undefined : { keys: provider.keys }
  }
  const keys = createProviderKeys({ clock, limits: LIMITS, fetchKeys })
  const kids = async (kid: string | undefined, within = seconds(5)) => {
    const found = await keys.find(kid, within)
    return isRefusal(found) ? found.refused : found.map((key) => key.kid)
  }
  return { clock, provider, kids }
}

test('keys are asked for once and then used while they are fresh', async () => {
  const { clock, provider, kids } = aWorld()
  assert.deepEqual(await Promise.all([kids('k1'), kids('k1'), kids(undefined)]), [
    ['k1'],
    ['k1'],
    ['k1'],
  ])
  await clock.advance(seconds(599))
  assert.deepEqual(await kids('k1'), ['k1'])
  assert.equal(provider.asked, 1)
  await clock.advance(seconds(1))
  assert.deepEqual(await kids('k1'), ['k1'])
  assert.equal(provider.asked, 2)
})

test('a withdrawn key is gone once the keys are no longer fresh', async () => {
  const { clock, provider, kids } = aWorld()
  await kids('k1')
  provider.keys = [K2]
  await clock.advance(seconds(600))
  assert.deepEqual(await kids('k1'), [])
})

test('a rotation is noticed by its kid, after the cooldown at the latest', async () => {
  const { clock, provider, kids } = aWorld()
  await kids('k1')
  provider.keys = [K1, K2]
  const waiting = kids('k2')
  for (let second = 0; second < 3; second += 1) await clock.advance(seconds(1))
  assert.deepEqual(await waiting, ['k2'])
  assert.equal(provider.asked, 2)
})

test('a kid that nobody publishes is certainly unknown only after a fresh look', async () => {
  const { clock, kids } = aWorld()
  await kids('k1')
  await clock.advance(seconds(3))
  assert.deepEqual(await kids('k9'), [])
})

test('any number of unknown kids makes one request per cooldown, and no verdict without one', async () => {
  const { clock, provider, kids } = aWorld()
  await kids('k1')
  const impatient = await kids('k8', seconds(2))
  assert.equal(impatient, 'identity.provider-unavailable')
  const waiting = Promise.all(Array.from({ length: 100 }, (_, n) => kids(`unknown-${n}`)))
  for (let second = 0; second < 3; second += 1) await clock.advance(seconds(1))
  assert.deepEqual(new Set((await waiting).flat()), new Set())
  assert.equal(provider.asked, 2)
})

test('while the provider is down the last keys serve, until they are too old', async () => {
  const { clock, provider, kids } = aWorld()
  await kids('k1')
  provider.isDown = true
  await clock.advance(seconds(3599))
  assert.deepEqual(await kids('k1'), ['k1'])
  await clock.advance(seconds(1))
  assert.equal(await kids('k1', milliseconds(0)), 'identity.provider-unavailable')
})

test('a provider that comes back within the patience is no problem', async () => {
  const { clock, provider, kids } = aWorld()
  provider.isDown = true
  const waiting = kids('k1')
  await clock.advance(seconds(1))
  provider.isDown = false
  await clock.advance(seconds(1))
  assert.deepEqual(await waiting, ['k1'])
})

test('a provider that never answers costs the patience and not more', async () => {
  const { clock, provider, kids } = aWorld()
  provider.isSilent = true
  const waiting = kids('k1', seconds(4))
  await clock.advance(seconds(4))
  assert.equal(await waiting, 'identity.provider-unavailable')
  await settled()
  assert.equal(provider.asked, 1)
})

test('a set without a usable key is a provider in trouble, not a withdrawal', async () => {
  const { clock, provider, kids } = aWorld()
  await kids('k1')
  provider.keys = [{ kty: 'oct', k: 'c2VjcmV0', kid: 'k1' }]
  await clock.advance(seconds(600))
  assert.deepEqual(await kids('k1'), ['k1'])
})
