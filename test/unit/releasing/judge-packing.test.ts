// An artefact whose files are all signed, and around which something was changed: found without its source. Scripts that
// dpkg runs as root, owners, folders, the user of an image, tiles that no program reads.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import { compress, makeArtefacts } from '../../../scripts/releasing/artefacts.ts'
import { readAr, writeAr, writeDeb } from '../../../scripts/releasing/deb.ts'
import { type Finding, judgeRelease } from '../../../scripts/releasing/judge-artefact.ts'
import { judgePacking } from '../../../scripts/releasing/judge-packing.ts'
import { openArtefact } from '../../../scripts/releasing/open-artefact.ts'
import { DEBIAN } from '../../../scripts/releasing/shipped-tree.ts'
import { readTar, type TreeFile } from '../../../scripts/releasing/tar.ts'
import { EVIDENCE, type Manifest } from '../../../src/release/index.ts'
import { COMMIT, evidenceOf, KEYS, sha256Hex } from '../../support/release-fixture.ts'

const TIME = 1_795_000_000
const file = (path: string, content: string, mode = 0o644): TreeFile => ({
  path,
  mode,
  bytes: Buffer.from(content),
})

const files: readonly TreeFile[] = [
  file('usr/bin/keyrealm', '#!/bin/sh\n', 0o755),
  ...['control', 'postinst', 'prerm', 'postrm'].map((name) =>
    file(`${DEBIAN}${name}`, `this is ${name}\n`),
  ),
].sort((left, right) => (left.path < right.path ? -1 : 1))

const manifest: Manifest = {
  version: '0.1.0',
  commit: COMMIT,
  committedAt: TIME,
  platform: 'linux-x64',
  files: files.map(({ path, mode, bytes }) => ({
    path,
    mode: mode.toString(8).padStart(4, '0'),
    size: bytes.length,
    sha256: sha256Hex(bytes),
  })),
}
const evidence = [...evidenceOf(manifest)].map(([path, bytes]) => ({
  path: `${EVIDENCE}${path}`,
  mode: 0o644,
  bytes,
}))
const [deb, tarball, image] = makeArtefacts([...files, ...evidence], manifest).map(({ bytes }) =>
  Buffer.from(bytes),
)
assert.ok(deb !== undefined && tarball !== undefined && image !== undefined)

/** As `verify-release --no-rebuild` does. */
const judge = (artefact: Buffer): readonly Finding[] => {
  const opened = openArtefact(artefact)
  const { release, findings } = judgeRelease(opened, [KEYS.signer])
  if (release === undefined || findings.length > 0) return findings
  return judgePacking(opened, release.manifest, artefact)
}

/** The archive with headers changed, each found by its name, and their sums made right. */
const patched = (tar: Uint8Array, name: string, at: number, text: string): Buffer => {
  const copy = Buffer.from(tar)
  const start = copy.indexOf(`${name}\0`, 0, 'latin1')
  const header = copy.subarray(start, start + 512)
  header.write(text, at, 'latin1')
  header.write(' '.repeat(8), 148, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return copy
}

const opened = openArtefact(deb)
const control = opened.control?.tar ?? new Uint8Array()
const withControl = (tar: Uint8Array): Buffer => writeDeb(compress(tar), opened.layer.packed, TIME)

const only = (findings: readonly Finding[]): string => {
  assert.equal(findings.length, 1, JSON.stringify(findings))
  return `${findings[0]?.at}: ${findings[0]?.says}`
}

describe('an artefact that is packed as its signed files say', () => {
  it('is good, each of the three', () => {
    for (const artefact of [deb, tarball, image]) assert.deepEqual(judge(artefact), [])
  })

  it('is good compressed by another zstd', () => {
    const other = zstdCompressSync(control, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })
    assert.notDeepEqual(other, compress(control))
    assert.deepEqual(judge(writeDeb(other, opened.layer.packed, TIME)), [])
  })
})

describe('an artefact around whose signed files something was changed', () => {
  it('is named for a script that dpkg would run as root, and for its mode', () => {
    const script = Buffer.from(control)
    script.write('evil', script.indexOf('this is postinst\n'), 'latin1')
    assert.match(only(judge(withControl(script))), /^control archive: postinst: .* differ/)
    const runnable = patched(control, './control', 100, '0004755')
    assert.match(only(judge(withControl(runnable))), /^control archive: control: .*mode 4755/)
  })

  it('is named for owners and for folders that others could write into', () => {
    const changes = [
      ['./usr/lib/keyrealm/', 100, '0000777', /has mode 0777 and not 0755/],
      ['./usr/bin/keyrealm', 108, '0001750', /belongs to 1000:0 and not to 0:0/],
      ['./usr/bin/keyrealm', 136, '00000000001', /has the time 1 and not/],
    ] as const
    for (const [name, at, text, wanted] of changes) {
      const layer = patched(opened.layer.tar, name, at, text)
      assert.match(only(judge(compress(layer))), wanted)
    }
  })

  it('is named for a link, a device, and a path that leads elsewhere', () => {
    const [first] = opened.tree.filter(({ kind }) => kind === 'file')
    assert.ok(first !== undefined)
    for (const [change, wanted] of [
      [{ name: './etc/x', kind: 'link', linkTarget: '/etc/shadow' }, /is a link to \/etc\/shadow/],
      [{ name: './dev/x', kind: 'other' }, /is no file and no folder/],
      [{ name: './../etc/cron.d/x' }, /leads elsewhere/],
      [{ name: '/etc/cron.d/x' }, /leads elsewhere/],
      [{ name: first.name }, /stands twice/],
    ] as const) {
      const tree = [...opened.tree, { ...first, ...change }]
      const [found] = judgeRelease({ ...opened, tree }, [KEYS.signer]).findings
      assert.match(found?.says ?? '', wanted)
    }
  })

  it('is named though nobody who is believed signed it', () => {
    const [found] = judgeRelease(opened, []).findings
    assert.match(found?.says ?? '', /not signed by a pinned key/)
  })

  it('is named for a folder that nothing is in', () => {
    const [end] = [opened.layer.tar.length - 1024]
    const header = Buffer.from(opened.layer.tar.subarray(0, 512))
    const folder = patched(header, './', 0, './etc/cron.d/')
    const layer = Buffer.concat([opened.layer.tar.subarray(0, end), folder, Buffer.alloc(1024)])
    assert.match(only(judge(compress(layer))), /etc\/cron\.d.*no such file/)
  })

  it('is named for another packing of the package, down to one byte', () => {
    const members = readAr(deb)
    const other = members.map((one) =>
      one.name === 'debian-binary' ? { ...one, bytes: Buffer.from('2.1\n') } : one,
    )
    assert.match(only(judge(writeAr(other, TIME))), /packed or ordered in another way/)
    assert.match(only(judge(writeAr(members, TIME + 1))), /packed or ordered in another way/)
  })

  it('is named for an image that says something else of itself', () => {
    const entries = readTar(image)
    const index = entries.find(({ name }) => name === './index.json')
    assert.ok(index !== undefined)
    const words = Buffer.from(index.bytes).toString().replace('"linux"', '"minix"')
    const changed = Buffer.from(image)
    changed.write(words, image.indexOf(Buffer.from(index.bytes)), 'latin1')
    assert.match(only(judge(changed)), /^image: index\.json: .* differ/)
  })

  it('is named for a tile of the log that holds something else', () => {
    const changed = Buffer.from(opened.layer.tar)
    const tile = evidence.find(({ path }) => path.endsWith('tile/0/000.p/1'))
    assert.ok(tile !== undefined)
    changed.write('smuggled', changed.indexOf(Buffer.from(tile.bytes)), 'latin1')
    assert.match(only(judge(compress(changed))), /tile\/0\/000\.p\/1: .*not the tile/)
  })
})
