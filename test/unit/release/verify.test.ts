// A release is two signatures by one pinned signer and the newest entry of a log that only grows. Each of these is
// broken here, one at a time.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { layOut } from '../../../scripts/releasing/release-log.ts'
import { signCheckpoint } from '../../../src/audit/index.ts'
import {
  EVIDENCE,
  EVIDENCE_FILES,
  encodeReleaseEntry,
  isReleaseProblem,
  type Manifest,
  type ReleaseEntry,
  type ReleaseProblemCode,
  type Signer,
  verifyRelease,
} from '../../../src/release/index.ts'
import { evidenceOf, flipped, KEYS, manifestOf, sha256Hex } from '../../support/release-fixture.ts'

type Evidence = ReadonlyMap<string, Uint8Array>

const first = evidenceOf(manifestOf('0.1.0'))
const second = evidenceOf(manifestOf('0.2.0', 'another'), first)

const judge = (evidence: Evidence, signers: readonly Signer[] = [KEYS.signer], seen?: string) =>
  verifyRelease((path) => evidence.get(path), signers, seen)

const problemOf = (...asked: Parameters<typeof judge>): ReleaseProblemCode | undefined => {
  const verdict = judge(...asked)
  return isReleaseProblem(verdict) ? verdict.problem : undefined
}

const without = (evidence: Evidence, path: string): Evidence =>
  new Map([...evidence].filter(([name]) => name !== path))

const turned = (evidence: Evidence, path: string, at = 10): Evidence =>
  new Map([...evidence, [path, flipped(evidence.get(path) ?? new Uint8Array(1), at)]])

/** A log with these entries, signed by its true keys. */
const logOf = (entries: readonly (string | Uint8Array)[]) => {
  const bodies = entries.map((entry) => Buffer.from(entry))
  const { files, root } = layOut(bodies)
  const origin = KEYS.signer.name
  const head = signCheckpoint({ origin, size: bodies.length, root }, KEYS.log, 1_795_000_000)
  return [...files, ['checkpoint', Buffer.from(head)] as const].map(
    ([path, bytes]) => [`${EVIDENCE_FILES.log}${path}`, bytes] as const,
  )
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()
const CHECKPOINT = `${EVIDENCE_FILES.log}checkpoint`
const ENTRIES = `${EVIDENCE_FILES.log}tile/entries/000.p/1`

describe('a release', () => {
  it('is accepted as it was made, and says what it is', () => {
    const verdict = judge(second)
    assert.ok(!isReleaseProblem(verdict))
    assert.equal(verdict.manifest.version, '0.2.0')
    assert.equal(verdict.logSize, 2)
    assert.equal(verdict.signer.name, KEYS.signer.name)
  })

  it('needs a manifest, in its one spelling', () => {
    assert.equal(problemOf(without(first, EVIDENCE_FILES.manifest)), 'release.no-manifest')
    const raw = text(first.get(EVIDENCE_FILES.manifest))
    for (const odd of [
      raw.replace('{', '{ '),
      `${raw}\n`,
      raw.replace('0644', '0999'),
      raw.replace('0644', '4755'),
      raw.replace('1795000000', '-1795000000'),
      raw.replace('1795000000', '1795000000.5'),
      raw.replace('"size":7', '"size":-7'),
      raw.replace('0.1.0', '0.1.0-rc.1'),
      raw.replace('0.1.0', '0.01.0'),
      raw.replace('"version"', '"more": 1,\n  "version"'),
      raw.replace('  "version"', '  "version": "9.9.9",\n  "version"'),
      '{}',
      'null',
    ]) {
      const evidence = new Map([...first, [EVIDENCE_FILES.manifest, Buffer.from(odd)]])
      assert.equal(problemOf(evidence), 'release.manifest-unreadable')
    }
    const leading = raw.replace('usr/lib/keyrealm/program', 'usr/../../etc')
    const evidence = new Map([...first, [EVIDENCE_FILES.manifest, Buffer.from(leading)]])
    assert.equal(problemOf(evidence), 'release.manifest-unreadable')
  })

  it('needs both signatures, over exactly this manifest', () => {
    for (const path of [EVIDENCE_FILES.ed25519, EVIDENCE_FILES.mlDsa65]) {
      assert.equal(problemOf(without(first, path)), 'release.not-signed')
      assert.equal(problemOf(turned(first, path)), 'release.half-signed')
    }
    const raw = text(first.get(EVIDENCE_FILES.manifest)).replace('0.1.0', '0.1.1')
    const evidence = new Map([...first, [EVIDENCE_FILES.manifest, Buffer.from(raw)]])
    assert.equal(problemOf(evidence), 'release.unpinned-key')
  })

  it('is refused when nobody pinned signed it, and when the two signatures are of two signers', () => {
    const stranger = { ...KEYS.signer, ed25519: new Uint8Array(32), mlDsa65: new Uint8Array(1952) }
    assert.equal(problemOf(first, [stranger]), 'release.unpinned-key')
    assert.equal(problemOf(first, []), 'release.unpinned-key')
    const halves = [
      { ...KEYS.signer, ed25519: stranger.ed25519 },
      { ...KEYS.signer, mlDsa65: stranger.mlDsa65 },
    ]
    assert.equal(problemOf(first, halves), 'release.half-signed')
  })

  it('is refused when its log is missing, cut, altered or signed by others', () => {
    assert.equal(problemOf(without(first, CHECKPOINT)), 'release.log-missing')
    assert.equal(problemOf(without(first, ENTRIES)), 'release.log-missing')
    assert.equal(problemOf(turned(first, ENTRIES)), 'release.log-altered')
    assert.equal(problemOf(turned(first, CHECKPOINT, 60)), 'release.log-not-signed')
    const others = { ...KEYS.signer, log: KEYS.signer.log.map((key) => ({ ...key, name: 'x' })) }
    assert.equal(problemOf(first, [others]), 'release.log-not-signed')
  })

  it('is refused when the log does not end with it', () => {
    const ofFirst = [...second].filter(([path]) => path.startsWith(EVIDENCE_FILES.log))
    assert.equal(problemOf(new Map([...first, ...ofFirst])), 'release.not-logged')
  })

  it('is refused when the log’s entry is of another manifest, version or commit', () => {
    const manifest = manifestOf('0.1.0')
    const raw = first.get(EVIDENCE_FILES.manifest) ?? new Uint8Array()
    const own: ReleaseEntry = {
      version: manifest.version,
      platform: manifest.platform,
      commit: manifest.commit,
      manifestSha256: sha256Hex(raw),
    }
    assert.equal(problemOf(new Map([...first, ...logOf([encodeReleaseEntry(own)])])), undefined)
    for (const change of [
      { manifestSha256: sha256Hex('another build of the same version') },
      { version: '0.1.1' },
      { commit: 'f'.repeat(40) },
      { platform: 'linux-arm64' },
    ]) {
      const log = logOf([encodeReleaseEntry({ ...own, ...change })])
      assert.equal(problemOf(new Map([...first, ...log])), 'release.not-logged')
    }
  })

  it('is refused when the log holds an entry that is none, or in another spelling', () => {
    const own = encodeReleaseEntry({
      version: '0.0.9',
      platform: 'linux-x64',
      commit: 'f'.repeat(40),
      manifestSha256: sha256Hex('x'),
    })
    for (const odd of [
      'null',
      '[]',
      'not json',
      own.replace('0.0.9', '0.0.9-rc.1'),
      own.replace('"linux-x64"', '7'),
      own.replace(/"f+"/, '7'),
      own.replace(sha256Hex('x'), 'x'),
      own.replace('{', '{ '),
      own.replace('}', ',"more":1}'),
      own.replace('"version"', '"version":"9.9.9","version"'),
    ]) {
      const evidence = new Map([...first, ...logOf([odd])])
      assert.equal(problemOf(evidence), 'release.log-entry-unreadable', odd)
    }
    const notText = new Map([...first, ...logOf([Buffer.from([0xff, 0xfe])])])
    assert.equal(problemOf(notText), 'release.log-entry-unreadable')
  })

  it('is refused when its manifest names a file twice, out of order, among the evidence, or is of no commit', () => {
    const manifest = manifestOf('0.1.0')
    const [file] = manifest.files
    assert.ok(file !== undefined)
    const before = { ...file, path: 'usr/bin/keyrealm' }
    const problem = (changed: Manifest) => problemOf(evidenceOf(changed))
    assert.equal(problem({ ...manifest, files: [before, file] }), undefined)
    for (const files of [
      [file, before],
      [file, file],
      [{ ...file, path: `${EVIDENCE}extra.mjs` }],
      [{ ...file, path: `/${file.path}` }],
      [{ ...file, path: `${file.path}\0` }],
      [{ ...file, path: 'usr/lib/kеyrealm' }],
      [{ ...file, path: 'x'.repeat(256) }],
      [{ ...file, sha256: file.sha256.toUpperCase() }],
    ]) {
      assert.equal(problem({ ...manifest, files }), 'release.manifest-unreadable')
    }
    for (const change of [{ commit: 'main' }, { commit: 'F'.repeat(40) }]) {
      assert.equal(problem({ ...manifest, ...change }), 'release.manifest-unreadable')
    }
    for (const platform of ['linux', 'Linux-x64', 'linux-x64\n']) {
      assert.equal(problem({ ...manifest, platform }), 'release.manifest-unreadable')
    }
  })

  it('is refused as rolled back when its log is shorter than the one seen before', () => {
    const seen = text(second.get(CHECKPOINT))
    assert.equal(problemOf(second, [KEYS.signer], seen), undefined)
    assert.equal(problemOf(first, [KEYS.signer], seen), 'release.rolled-back')
    assert.equal(problemOf(second, [KEYS.signer], text(first.get(CHECKPOINT))), undefined)
  })

  it('is refused when its log is another one than the one seen before', () => {
    const fork = evidenceOf(manifestOf('0.1.0', 'a secret customer build'))
    const longer = evidenceOf(manifestOf('0.3.0'), fork)
    assert.equal(problemOf(fork, [KEYS.signer], text(first.get(CHECKPOINT))), 'release.log-forked')
    assert.equal(
      problemOf(longer, [KEYS.signer], text(first.get(CHECKPOINT))),
      'release.log-forked',
    )
    assert.equal(problemOf(first, [KEYS.signer], 'no checkpoint'), 'release.log-forked')
  })
})
