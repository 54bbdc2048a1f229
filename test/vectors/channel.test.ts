// The agreed channel: vectors that two independent implementations computed.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { deriveChannelKey, deriveSharedSecret, encodeB64u } from '../../src/crypto/index.ts'
import { isRefusal } from '../../src/refusal.ts'

const vectors = JSON.parse(readFileSync(new URL('./channel.json', import.meta.url), 'utf8'))

for (const { comment, server, sharedSecret, channelKey } of vectors.agreements) {
  it(`both sides derive the known channel key: ${comment}`, () => {
    for (const [own, other] of [
      [vectors.client, server],
      [server, vectors.client],
    ]) {
      const shared = deriveSharedSecret(own, other)
      assert.ok(!isRefusal(shared))
      assert.equal(encodeB64u(shared.expose()), sharedSecret)
      assert.equal(encodeB64u(deriveChannelKey(shared).expose()), channelKey)
    }
  })
}
