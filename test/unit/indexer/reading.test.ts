// Versions as a core numbers them, and the revisions that come of them.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FeedEvent } from '../../../src/boundary/index.ts'
import { readEvent, revisionOf } from '../../../src/indexer/reading.ts'
import { urisOf } from '../../../src/protocol/index.ts'
import { DOMAIN } from '../../support/world.ts'

const uuid = '5a1f7a10-1111-4222-8333-944445555666'
const deleted = (version: number): FeedEvent => ({
  ...{ kind: 'deleted', seq: version, version, messageId: uuid },
  resourceUri: `kms://${DOMAIN}/resources/${uuid}`,
})
const read = (version: number) => readEvent(deleted(version), urisOf(DOMAIN))

describe('versions of messages', () => {
  it('may be places in a feed of a thousand million activities', () => {
    for (const version of [1, 2 ** 21, 5_000_000, 2 ** 30 - 1]) {
      assert.equal(read(version)?.version, version)
    }
    assert.equal(read(2 ** 30), undefined)
  })

  it('give revisions that are safe, and rise with the version before the search key', () => {
    const most = 2 ** 23 - 1
    assert.ok(Number.isSafeInteger(revisionOf(2 ** 30 - 1, most)))
    assert.ok(revisionOf(7, 2) > revisionOf(7, 1))
    assert.ok(revisionOf(8, 1) > revisionOf(7, most))
  })
})
