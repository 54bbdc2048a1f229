// Relayed streams at the realm's end of its line: what a core may not do with them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { STREAM_WINDOW_BYTES, type StreamFrameOfRealm } from '../../../src/boundary/index.ts'
import { createPeerStreams } from '../../../src/links/index.ts'

/** A line on which nothing is read of what comes. */
const someStreams = () => {
  const said: StreamFrameOfRealm[] = []
  const streams = createPeerStreams({
    voice: {
      isUp: () => true,
      say: (frame) => void said.push(frame),
      sendData: (_message, done) => done(),
    },
    onStream: () => true,
    most: 8,
  })
  return { said, streams }
}

describe('a core', () => {
  test('that fills a window byte by byte loses the stream', () => {
    const { said, streams } = someStreams()
    streams.take({ type: 'stream-opened-for', stream: 2, from: 'kms.globex.example' })
    for (let n = 0; n < STREAM_WINDOW_BYTES / 2; n += 1) {
      streams.takeData({ stream: 2, bytes: new Uint8Array(1) })
    }
    assert.deepEqual(said.slice(1), [{ type: 'stream-abort', stream: 2, code: 'protocol' }])
    assert.equal(streams.count, 0)
  })

  test('that opens a stream under a number of ours is refused', async () => {
    const { said, streams } = someStreams()
    const opening = streams.open('kms.globex.example')
    streams.take({ type: 'stream-opened-for', stream: 1, from: 'kms.globex.example' })
    assert.deepEqual(said.at(-1), { type: 'stream-refuse', stream: 1, code: 'protocol' })
    streams.take({ type: 'stream-accept', stream: 1 })
    assert.equal(typeof (await opening), 'object')
    assert.equal(streams.count, 1)
  })
})
