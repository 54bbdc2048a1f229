// The tree of RFC 6962. Leaves and roots are those of transparency-dev/merkle, testonly/reference_test.go (Apache-2.0),
// which took them from the Certificate Transparency code; every proof is checked for every size up to 20.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EMPTY_TREE, grow, loadTree, rootOfTree } from '../../../src/audit/integrate.ts'
import { type ReadTile, rootsOf } from '../../../src/audit/tiles.ts'
import {
  consistencyRanges,
  EMPTY_ROOT,
  Frontier,
  inclusionRanges,
  isConsistent,
  leafHash,
  rootFromInclusion,
} from '../../../src/audit/tree.ts'

const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const leaf = (index: number): Uint8Array => leafHash(Buffer.from(`entry ${index}`))
const leaves = (count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, i) => leaf(i))
const rootAt = (size: number): Uint8Array => {
  const frontier = new Frontier()
  for (const one of leaves(size)) frontier.append(one)
  return frontier.root()
}

/** A tree and its tiles in memory, grown by the given numbers of leaves. */
const grown = (...steps: readonly number[]) => {
  const tiles = new Map<string, Uint8Array>()
  let tree = EMPTY_TREE
  for (const count of steps) {
    const fresh = Array.from({ length: count }, (_, index) => leaf(tree.size + index))
    const growth = grow(tree, fresh)
    tree = growth.tree
    for (const { level, index, hashes } of growth.tiles) tiles.set(`${level}/${index}`, hashes)
  }
  const read: ReadTile = async (level, index) => {
    const tile = tiles.get(`${level}/${index}`)
    assert.ok(tile, `tile ${level}/${index} is missing`)
    return tile
  }
  return { tree, tiles, read }
}

describe('the tree', () => {
  test('has the roots that Certificate Transparency gives these leaves', () => {
    const frontier = new Frontier()
    const roots = LEAVES.map((data) => {
      frontier.append(leafHash(Buffer.from(data, 'hex')))
      return hex(frontier.root())
    })
    assert.deepEqual(roots, ROOTS)
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    assert.equal(hex(EMPTY_ROOT), empty)
    assert.equal(hex(new Frontier().root()), empty)
  })

  test('is the same tree in whatever steps it grew, and from its tiles again', async () => {
    const sizes = [[70_000], [1, 255, 1, 65_279, 1, 4463], [256, 65_280, 4464]]
    const roots = new Set<string>()
    for (const steps of sizes) {
      const { tree, read } = grown(...steps)
      roots.add(hex(rootOfTree(tree)))
      roots.add(hex(rootOfTree(await loadTree(tree.size, read))))
    }
    assert.deepEqual([...roots], [hex(rootAt(70_000))])
  })

  // C2SP tlog-tiles, Partial Tiles: its own example.
  test('of 70,000 entries has the tiles that the specification counts', () => {
    const { tiles } = grown(40_000, 30_000)
    const widths = [...tiles].map(([name, hashes]) => [name, hashes.length / 32] as const)
    const full = (level: number) =>
      widths.filter(([name, width]) => name.startsWith(`${level}/`) && width === 256).length
    assert.deepEqual([full(0), full(1)], [273, 1])
    const partial = widths.filter(([, width]) => width < 256)
    assert.deepEqual(
      new Map(partial),
      new Map([
        ['0/273', 112],
        ['1/1', 17],
        ['2/0', 1],
      ]),
    )
  })
})

const proofs = async (read: ReadTile, size: number) => {
  const inclusion = await Promise.all(
    leaves(size).map((_, index) => rootsOf(read, inclusionRanges(index, size))),
  )
  const consistency = await Promise.all(
    Array.from({ length: size + 1 }, (_, old) => rootsOf(read, consistencyRanges(old, size))),
  )
  return { inclusion, consistency }
}

describe('a proof', () => {
  test('of every entry in every small tree leads to its root, and to no other', async () => {
    for (let size = 1; size <= 20; size++) {
      const root = rootAt(size)
      const { inclusion } = await proofs(grown(size).read, size)
      inclusion.forEach((proof, index) => {
        assert.deepEqual(rootFromInclusion(leaf(index), index, size, proof), root)
        assert.notDeepEqual(rootFromInclusion(leaf(index + 1), index, size, proof), root)
        for (let other = 0; other < size; other++) {
          if (other === index) continue
          assert.notDeepEqual(rootFromInclusion(leaf(index), other, size, proof), root)
        }
        assert.equal(rootFromInclusion(leaf(index), index, size, [...proof, root]), undefined)
        if (proof.length > 0) {
          assert.equal(rootFromInclusion(leaf(index), index, size, proof.slice(1)), undefined)
        }
      })
    }
  })

  test('joins every small tree to every larger one, and to no other', async () => {
    for (let size = 1; size <= 20; size++) {
      const now = { size, root: rootAt(size) }
      const { consistency } = await proofs(grown(size).read, size)
      consistency.forEach((proof, old) => {
        const before = { size: old, root: rootAt(old) }
        assert.ok(isConsistent(before, now, proof), `${old} to ${size}`)
        const other = Uint8Array.from(before.root, (byte) => byte ^ 1)
        assert.ok(!isConsistent({ size: old, root: other }, now, proof))
        assert.ok(!isConsistent(before, { size, root: other }, proof) || old === 0)
        assert.ok(!isConsistent(before, now, [...proof, now.root]))
        assert.ok(!isConsistent({ ...before, size: size + 1 }, now, proof))
      })
    }
  })

  test('comes from tiles of several levels', async () => {
    const { tree, read } = grown(70_000)
    const root = rootOfTree(tree)
    for (const index of [0, 255, 256, 65_535, 65_536, 69_999]) {
      const proof = await rootsOf(read, inclusionRanges(index, 70_000))
      assert.deepEqual(rootFromInclusion(leaf(index), index, 70_000, proof), root)
    }
    for (const old of [1, 256, 300, 65_536, 66_000, 69_999, 70_000]) {
      const proof = await rootsOf(read, consistencyRanges(old, 70_000))
      assert.ok(isConsistent({ size: old, root: rootAt(old) }, { size: 70_000, root }, proof))
    }
  })
})
