// Archives that somebody made by hand: frames that end where they do not, that want more memory than any release, images of
// which another program would take another part.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { compress } from '../../../scripts/releasing/artefacts.ts'
import { readAr } from '../../../scripts/releasing/deb.ts'
import { writeOci } from '../../../scripts/releasing/oci.ts'
import { openArtefact } from '../../../scripts/releasing/open-artefact.ts'
import { readTar, writeTar } from '../../../scripts/releasing/tar.ts'
import { frameLength } from '../../../scripts/releasing/zstd-frame.ts'

const TIME = 1_795_000_000
const MAGIC = '28b52ffd'
/** Descriptor and window: no checksum, no size, 2^17 bytes. */
const HEAD = '0038'

/** A block header, RFC 8878 §3.1.1.2: is it the last, its kind, its size. */
const block = (isLast: boolean, kind: number, size: number): string => {
  const bytes = Buffer.alloc(3)
  bytes.writeUIntLE((size << 3) | (kind << 1) | (isLast ? 1 : 0), 0, 3)
  return bytes.toString('hex')
}
const frame = (...parts: readonly string[]): Buffer => Buffer.from(parts.join(''), 'hex')
const [RAW, RLE, RESERVED] = [0, 1, 3]

describe('a zstd frame', () => {
  it('with a block of one repeated byte ends where every program says it does', () => {
    const made = frame(MAGIC, HEAD, block(false, RLE, 1000), '61', block(true, RAW, 2), '6262')
    assert.equal(zstdDecompressSync(made).toString(), `${'a'.repeat(1000)}bb`)
    assert.equal(frameLength(made), made.length)
    assert.equal(frameLength(Buffer.concat([made, Buffer.from('more')])), made.length)
  })

  it('is none with another magic number, a reserved kind of block, or without its last block', () => {
    assert.equal(frameLength(frame('28b52ffe', HEAD, block(true, RAW, 0))), undefined)
    assert.equal(frameLength(frame('502a4d18', '00000000')), undefined)
    assert.equal(frameLength(frame(MAGIC, HEAD, block(true, RESERVED, 0))), undefined)
    assert.equal(frameLength(frame(MAGIC, HEAD, block(false, RAW, 1), '61')), undefined)
    assert.equal(frameLength(frame(MAGIC, HEAD)), undefined)
  })

  it('that wants more memory than any release is refused, whatever it holds', () => {
    const window = frame(MAGIC, '0090', block(true, RAW, 1), '61')
    assert.equal(frameLength(window), window.length)
    assert.throws(() => openArtefact(window), { code: 'ZSTD_error_frameParameter_windowTooLarge' })
    const size = '0000000000010000'
    assert.throws(() => openArtefact(frame(MAGIC, 'e0', size, block(true, RLE, 1), '61')))
  })
})

it('an ar archive begins like one', () => {
  assert.throws(() => readAr(Buffer.from('!<arkh>\n')), /not an ar archive/)
})

describe('an image', () => {
  const tar = writeTar([{ path: 'a', mode: 0o644, bytes: Buffer.from('a') }], TIME)
  const image = writeOci(tar, compress(tar), { version: '0.1.0', commit: 'c', committedAt: TIME })
  const files = new Map(
    readTar(image)
      .filter(({ kind }) => kind === 'file')
      .map(({ name, bytes }) => [name.replace(/^\.\//, ''), Buffer.from(bytes)]),
  )
  const index = JSON.parse(String(files.get('index.json')))
  const manifestAt = (digest: string) => `blobs/sha256/${digest.replace('sha256:', '')}`
  const [described] = index.manifests
  const manifest = JSON.parse(String(files.get(manifestAt(described.digest))))

  const withIndex = (
    changed: object,
    more: readonly (readonly [string, Buffer])[] = [],
  ): Buffer => {
    const all = new Map([...files, ['index.json', Buffer.from(JSON.stringify(changed))], ...more])
    return writeTar(
      [...all].map(([path, bytes]) => ({ path, mode: 0o644, bytes })),
      TIME,
    )
  }

  it('is opened as it was taken apart here', () => {
    assert.equal(openArtefact(withIndex(index)).kind, 'image')
  })

  it('with two manifests, or two layers, is refused: others would run the other one', () => {
    const two = { ...index, manifests: [described, described] }
    assert.throws(() => openArtefact(withIndex(two)), /not one layer/)
    const [layer] = manifest.layers
    for (const layers of [[layer, layer], []]) {
      const bytes = Buffer.from(JSON.stringify({ ...manifest, layers }))
      const hex = createHash('sha256').update(bytes).digest('hex')
      const changed = { ...index, manifests: [{ ...described, digest: `sha256:${hex}` }] }
      const opening = () => openArtefact(withIndex(changed, [[manifestAt(hex), bytes]]))
      assert.throws(opening, /not one layer/)
    }
  })
})
