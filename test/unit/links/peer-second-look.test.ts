// The TLS library's verdict by other anchors than those of a handshake: the same as its verdict within one, and never more.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isVerifiedBy } from '../../../src/links/peer-second-look.ts'
import {
  CLIENT_AUTH,
  type KeyKind,
  makePeerRealm,
  makePeerRoot,
  strangeMarks,
} from '../../support/peer-certificates.ts'

const names = [{ type: 'dns' as const, value: 'kms.globex.example' }]
const past = { from: new Date(Date.now() - 2e8), to: new Date(Date.now() - 1e8) }
const look = (
  anchors: readonly string[],
  chain: readonly Uint8Array[],
  keyType: string | undefined = 'ec',
) => isVerifiedBy(anchors, { chain, keyType })

describe('a second look at a chain', () => {
  for (const kind of ['ec', 'rsa'] satisfies KeyKind[]) {
    test(`with ${kind} keys leads to the anchors given, and to no others`, async () => {
      const { root, issuer, leaf } = await makePeerRealm('kms.globex.example', kind)
      const other = await makePeerRealm('kms.acme.example', kind)
      assert.equal(await look([root.pem], leaf.chain, kind), true)
      assert.equal(await look([other.root.pem, root.pem], leaf.chain, kind), true)
      assert.equal(await look([issuer.pem], leaf.chain.slice(0, 1), kind), true)
      assert.equal(await look([other.root.pem], leaf.chain, kind), false)
      assert.equal(await look([], leaf.chain, kind), false)
    })
  }

  test('is not taken in by another authority of the same name', async () => {
    const { root, leaf } = await makePeerRealm('kms.globex.example')
    const alike = await makePeerRoot({ name: root.name.slice('CN='.length) })
    assert.equal(alike.name, root.name)
    assert.equal(await look([alike.pem], leaf.chain), false)
  })

  test('finds what is over, for nobody’s purpose, or not understood', async () => {
    const { root, issuer } = await makePeerRealm('kms.globex.example')
    const over = await issuer.issue({ names, ...past })
    const forClients = await issuer.issue({ names, uses: [CLIENT_AUTH] })
    const strange = await issuer.issue({ names, extensions: strangeMarks().slice(0, 1) })
    const good = await issuer.issue({ names })
    assert.equal(await look([root.pem], good.chain), true)
    for (const { chain } of [over, forClients, strange]) {
      assert.equal(await look([root.pem], chain), false)
    }
  })

  test('takes a chain of more than one record', async () => {
    const { root, leaf } = await makePeerRealm('kms.globex.example', 'rsa')
    const many = [
      ...leaf.chain,
      ...Array.from({ length: 30 }, () => leaf.chain[1] ?? leaf.chain[0]),
    ]
    const chain = many.filter((der) => der !== undefined)
    assert.ok(chain.reduce((sum, der) => sum + der.length, 0) > 2 ** 14)
    assert.equal(await look([root.pem], chain, 'rsa'), true)
  })

  test('says no, and nothing breaks, where the kind of key is another, or none is shown', async () => {
    const { root, leaf } = await makePeerRealm('kms.globex.example')
    assert.equal(await look([root.pem], leaf.chain, 'rsa'), false)
    assert.equal(await look([root.pem], []), false)
  })

  test('says no, and nothing breaks, for bytes that are no certificate', async () => {
    const { root, leaf } = await makePeerRealm('kms.globex.example')
    const [first = new Uint8Array()] = leaf.chain
    const broken = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.tuple(fc.nat(first.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
        const changed = Uint8Array.from(first)
        changed[at] = (changed[at] ?? 0) ^ by
        return changed
      }),
      fc.nat(first.length - 1).map((length) => first.subarray(0, length)),
    )
    await fc.assert(
      fc.asyncProperty(broken, async (der) => {
        assert.equal(await look([root.pem], [der, ...leaf.chain.slice(1)]), false)
      }),
      { numRuns: 150 },
    )
  })
})
