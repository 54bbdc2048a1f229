// Archives: what we write, others read; what others wrote, we read or refuse.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { compress } from '../../../scripts/releasing/artefacts.ts'
import { readAr, writeAr, writeDeb } from '../../../scripts/releasing/deb.ts'
import { writeOci } from '../../../scripts/releasing/oci.ts'
import { openArtefact } from '../../../scripts/releasing/open-artefact.ts'
import { pathOf, readTar, type TreeFile, writeTar } from '../../../scripts/releasing/tar.ts'

const TIME = 1_795_000_000
const long = `${'folder/'.repeat(20)}${'n'.repeat(60)}`
const files: readonly TreeFile[] = [
  { path: 'usr/bin/run', mode: 0o755, bytes: Buffer.from('#!/bin/sh\n') },
  { path: long, mode: 0o644, bytes: Buffer.alloc(1025, 1) },
  { path: 'empty', mode: 0o644, bytes: new Uint8Array() },
]

describe('tar', () => {
  it('is the same whatever order the files come in', () => {
    assert.deepEqual(writeTar(files, TIME), writeTar(files.toReversed(), TIME))
  })

  it('is read by GNU tar, with modes, owner and time', () => {
    const listing = execFileSync('tar', ['-tv', '--full-time', '--utc', '--numeric-owner'], {
      input: writeTar(files, TIME),
    }).toString()
    assert.match(listing, /^-rwxr-xr-x 0\/0 +10 2026-11-18 [0-9:]+ \.\/usr\/bin\/run$/m)
    assert.match(listing, new RegExp(`^-rw-r--r-- 0/0 +1025 .* \\./${long}$`, 'm'))
    assert.match(listing, /^drwxr-xr-x 0\/0 .* \.\/usr\/$/m)
  })

  it('is read back as it was written', () => {
    const found = readTar(writeTar(files, TIME)).filter(({ kind }) => kind === 'file')
    assert.deepEqual(
      found.map((entry) => [pathOf(entry), entry.mode, Buffer.from(entry.bytes)]).sort(),
      files.map(({ path, mode, bytes }) => [path, mode, Buffer.from(bytes)]).sort(),
    )
  })

  it('is refused when it is cut off or damaged', () => {
    const whole = writeTar(files, TIME)
    assert.throws(() => readTar(whole.subarray(0, 700)), /cut off/)
    assert.throws(() => readTar(whole.subarray(0, whole.length - 1024)), /cut off/)
    const damaged = Buffer.from(whole)
    damaged[5] = 0x7a
    assert.throws(() => readTar(damaged), /damaged header/)
  })

  it('refuses names that stand twice or are too long', () => {
    assert.throws(() => writeTar([...files, ...files], TIME), /twice/)
    const path = 'x'.repeat(120)
    assert.throws(
      () => writeTar([{ path, mode: 0o644, bytes: new Uint8Array() }], TIME),
      /too long/,
    )
  })
})

describe('tar that programs read in two ways', () => {
  const whole = writeTar(files, TIME)
  /** The first header changed, its sum made right again. */
  const changed = (at: number, text: string): Buffer => {
    const copy = Buffer.from(whole)
    copy.write(text, at, 'latin1')
    copy.write(' '.repeat(8), 148, 'latin1')
    const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return copy
  }

  it('is refused: entries behind the end, numbers that are none, a prefix without ustar', () => {
    assert.throws(() => readTar(Buffer.concat([whole, whole])), /goes on behind its end/)
    const lone = Buffer.concat([whole.subarray(0, -512), whole])
    assert.throws(() => readTar(lone), /goes on behind its end/)
    assert.equal(readTar(Buffer.concat([whole, Buffer.alloc(4096)])).length, readTar(whole).length)
    assert.deepEqual(changed(0, './'), whole, 'the test itself changes nothing')
    for (const [at, text] of [
      [124, '0000000000x'],
      [124, '-0000000001'],
      [124, '\x80\0\0\0'],
      [257, 'ustar  \0'],
      [257, '\0\0\0\0\0\0'],
    ] as const) {
      assert.throws(() => readTar(changed(at, text)), /damaged header|cut off/, text)
    }
  })
})

describe('a compressed archive', () => {
  it('is one frame and nothing behind it: Node stops there, and others go on', () => {
    const skipped = Buffer.from('502a4d1804000000deadbeef', 'hex')
    // What comes out decides whether Node reads on: it does at each whole 16 KiB.
    for (const size of [1, 14_000, 100_000]) {
      const file = { path: 'x', mode: 0o644, bytes: randomBytes(size) }
      const packed = compress(writeTar([file], TIME))
      assert.equal(openArtefact(packed).kind, 'tarball')
      for (const more of [packed, skipped, Buffer.from('more'), Buffer.alloc(1)]) {
        assert.throws(() => openArtefact(Buffer.concat([packed, more])), /goes on behind its end/)
      }
      assert.throws(() => openArtefact(packed.subarray(0, -1)), /cut off/)
    }
  })
})

describe('a Debian package', () => {
  const archive = writeDeb(compress(writeTar([], TIME)), compress(writeTar(files, TIME)), TIME)

  it('is read by dpkg-deb', () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyrealm-deb-'))
    try {
      writeFileSync(join(folder, 'x.deb'), archive)
      const tree = execFileSync('dpkg-deb', ['--fsys-tarfile', join(folder, 'x.deb')])
      assert.deepEqual(tree, writeTar(files, TIME))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('has exactly three members', () => {
    const opened = openArtefact(archive)
    assert.equal(opened.kind, 'package')
    assert.equal(opened.tree.length, readTar(writeTar(files, TIME)).length)
    const more = [...readAr(archive), { name: 'evil.tar', bytes: new Uint8Array(2) }]
    assert.throws(() => openArtefact(writeAr(more, TIME)), /members/)
    assert.throws(() => openArtefact(archive.subarray(0, 500)), /cut off/)
    const [first] = readAr(archive)
    for (const [from, to] of [
      ['4         `', '0x4       `'],
      ['4         `', '4e0       `'],
      ['4         `', '          `'],
      ['4         `\n', '4         ~\n'],
    ] as const) {
      const odd = Buffer.from(archive)
      odd.write(odd.toString('latin1', 0, 68).replace(from, to), 0, 'latin1')
      assert.equal(first?.bytes.length, 4)
      assert.throws(() => readAr(odd), /damaged/, to)
    }
  })
})

describe('an OCI image', () => {
  const tar = writeTar(files, TIME)
  const image = writeOci(tar, compress(tar), { version: '0.1.0', commit: 'c', committedAt: TIME })

  it('opens to its one layer and its descriptions', () => {
    const opened = openArtefact(image)
    assert.equal(opened.kind, 'image')
    const names = opened.around.map(({ name }) => name).sort()
    assert.deepEqual(names, ['./config', './index.json', './manifest', './oci-layout'])
    assert.equal(opened.tree.length, readTar(tar).length)
  })

  it('is refused when a blob is not what its name says', () => {
    const damaged = Buffer.from(image)
    const at = image.indexOf('"rootfs"')
    damaged[at + 1] = 0x52
    assert.throws(() => openArtefact(damaged), /not what its name says/)
  })
})
