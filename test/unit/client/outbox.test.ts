import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpClient } from '../../../src/client/http.ts'
import { ClientError } from '../../../src/client/index.ts'
import { createOutbox } from '../../../src/client/outbox.ts'
import { aClock } from './clock.ts'

const anOutbox = (answer: number | Error = 202) => {
  const posts: string[][] = []
  const send: HttpClient['send'] = async (_method, _url, body) => {
    posts.push(body?.['kmsMessages'] as string[])
    if (answer instanceof Error) throw answer
    return { status: answer, json: undefined }
  }
  const http = { send, ask: () => Promise.reject(new Error('not used')) }
  const url = 'https://core.example.test/kms/messages'
  const outbox = createOutbox({ http, url, destination: 'kms://kms.acme.example', clock: aClock() })
  return { outbox, posts }
}

test('messages of one moment go in order, fifty a post at most', async () => {
  const { outbox, posts } = anOutbox()
  const all = Array.from({ length: 120 }, (_, n) => String(n))
  await Promise.all(all.map((one) => outbox.post(one)))
  assert.deepEqual(
    posts.map((post) => post.length),
    [50, 50, 20],
  )
  assert.deepEqual(posts.flat(), all)
})

test('a handshake goes alone and at once', async () => {
  const { outbox, posts } = anOutbox()
  const gathered = outbox.post('one')
  await outbox.postAlone('handshake')
  await gathered
  assert.deepEqual(posts, [['handshake'], ['one']])
})

test('only an answer after which trying again is of no use fails the message', async () => {
  for (const passing of [200, 202, 408, 429, 500, 503, new ClientError('client.unreachable')]) {
    await anOutbox(passing).outbox.post('one')
  }
  for (const status of [400, 401, 403, 404, 413]) {
    await assert.rejects(
      anOutbox(status).outbox.post('one'),
      (error: unknown) =>
        error instanceof ClientError &&
        error.code === 'client.core-refused' &&
        error.status === status,
    )
  }
})
