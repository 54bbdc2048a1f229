import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, KmsRequest } from '../../../src/client/index.ts'
import { KmsRefused } from '../../../src/client/index.ts'
import { createReceipts } from '../../../src/client/receipts.ts'
import { aClock } from './clock.ts'
import { aWorld } from './world.ts'

const aSender = (answer: () => Promise<JsonObject> = async () => ({ status: 201 })) => {
  const clock = aClock()
  const sent: (readonly string[])[] = []
  const channel = {
    async ask({ members }: KmsRequest) {
      const list = members?.['receipts'] as readonly { keyUri: string; purpose: string }[]
      sent.push(list.map(({ keyUri, purpose }) => `${purpose} ${keyUri}`))
      return answer()
    },
  }
  return { clock, sent, receipts: createReceipts({ channel, clock }) }
}

test('receipts are gathered, sent together, and once for each key and purpose', async () => {
  const { clock, sent, receipts } = aSender()
  for (const purpose of ['receive', 'decrypt', 'receive'] as const) receipts.note('k1', purpose)
  await clock.advance(9_000)
  assert.deepEqual(sent, [])
  await clock.advance(2_000)
  assert.deepEqual(sent, [['receive k1', 'decrypt k1']])
  receipts.note('k1', 'decrypt')
  await receipts.flush()
  assert.equal(sent.length, 1)
})

test('one message carries a hundred, and no more than two thousand wait', async () => {
  const { sent, receipts } = aSender()
  for (let number = 0; number < 2100; number++) receipts.note(`k${number}`, 'receive')
  assert.equal(receipts.dropped, 100)
  await receipts.flush()
  assert.deepEqual(new Set(sent.map(({ length }) => length)), new Set([100]))
  assert.equal(sent.length, 20)
})

test('what could not be sent is sent the next time', async () => {
  let isUp = false
  const { sent, receipts } = aSender(async () => {
    if (!isUp) throw new KmsRefused({ status: 503, reason: 'locked' })
    return { status: 201 }
  })
  receipts.note('k1', 'receive')
  await receipts.flush()
  isUp = true
  await receipts.flush()
  assert.deepEqual(sent, [['receive k1'], ['receive k1']])
})

test('a realm that does not know receipts is asked once', async () => {
  const { sent, receipts } = aSender(async () => {
    throw new KmsRefused({ status: 405, reason: 'The method does not apply to this URI' })
  })
  receipts.note('k1', 'receive')
  await receipts.flush()
  receipts.note('k2', 'receive')
  await receipts.flush()
  assert.equal(sent.length, 1)
})

test('a client sends none unless it is told to, and then one for every key that arrives', async () => {
  const silent = await aWorld()
  await silent.client.keys.takeUnbound()
  await silent.client.receipts.flush()
  assert.ok(!silent.realm.requests.some(({ operation }) => operation.name === 'create-receipts'))
  await silent.close()
  const here = await aWorld({ receipts: true })
  const key = here.realm.addKey()
  await here.client.keys.takeUnbound()
  await here.client.keys.retrieve(key)
  await here.client.receipts.flush()
  const [sent] = here.realm.requests.flatMap(({ operation }) =>
    operation.name === 'create-receipts' ? [operation.receipts] : [],
  )
  assert.equal(sent?.length, 5, 'four of the pool, and the one asked for')
  assert.ok(sent.some(({ keyUri, purpose }) => keyUri === key && purpose === 'receive'))
  await here.close()
})
