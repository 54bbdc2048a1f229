// The operator prepares the export, and everything in it, for the eyes and the tools of the auditor: entries that say
// two things, times to come, sizes without end, files that are none, text that paints over the verdict.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { VERIFIER } from '../../scripts/build-verifier.ts'
import {
  formatVkey,
  signCheckpoint,
  type VerifierKey,
  verifierKeyOf,
} from '../../src/audit/index.ts'
import { encodeBundle, parseBundle } from '../../src/audit/tiles.ts'
import { leafHash } from '../../src/audit/tree.ts'
import { generateSigningKey, type SigningKey, signingKeyFrom } from '../../src/crypto/index.ts'
import { forge, type Mirror, noteOf, verdictOf, verifyMirror } from '../support/mirror.ts'
import { someWitnessKeys } from '../support/witnesses.ts'
import { ORIGIN } from '../support/world.ts'

const WHOLE = { isIntact: true, isComplete: true, where: [] }
const NOW = Math.floor(Date.UTC(2026, 2, 1, 12) / 1000)
const signing = (['ed25519', 'ml-dsa-44'] as const).map((algorithm) =>
  signingKeyFrom(algorithm, generateSigningKey(algorithm)),
)
const keys: readonly VerifierKey[] = signing.map((key) => verifierKeyOf(ORIGIN, key))

interface Said {
  readonly action?: string
  readonly boot?: string
  readonly details?: object
  readonly node?: string
  readonly realm?: string
  readonly time?: string
  readonly v?: unknown
}

/** Canonical, as the recorder writes it. */
const entry = (counter: number, said: Said = {}): string => {
  const { action = 'test.happened', boot = 'a', details, node = 'n', realm = 'r', v = 1 } = said
  const { time = '2026-03-01T10:00:00.000Z' } = said
  return JSON.stringify({ action, boot, counter, details, node, realm, time, v })
}
const some = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => entry(index + 1))
const signed = (bodies: readonly string[], seconds = NOW, by: readonly SigningKey[] = signing) =>
  forge(bodies, by, seconds)
const verdict = (bodies: readonly string[], check = {}) =>
  verdictOf(verifyMirror(signed(bodies), keys, check))
const incomplete = (...where: string[]) => ({ isIntact: true, isComplete: false, where })

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyrealm-auditor-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

const put = (directory: string, mirror: Mirror): string => {
  for (const [path, bytes] of mirror) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), bytes)
  }
  return directory
}
const exported = (mirror: Mirror): string => put(mkdtempSync(join(folder, 'export-')), mirror)
/** The file that auditors take away, as they start it. */
const run = (cwd: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VERIFIER, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, out: stdout, error: stderr }
}
const keyArgs = keys.flatMap((key) => ['--key', formatVkey(key)])

describe('an entry', () => {
  test('in the one form is believed', () => {
    assert.deepEqual(verdict([entry(1, { details: { 'a\u2028"\u0007': 1.5e21 } })]), WHOLE)
  })

  test('that says two things, to two readers, is named', () => {
    const honest = entry(2)
    const twofold = [
      honest.replace('{', '{"action":"key.released",'),
      honest.replace('"counter":2', '"counter":2.0'),
      honest.replace('{', '{ '),
      `${honest}\n`,
      honest.replace('test.', '\\u0074est.'),
      honest.replace('"node":"n",', '').replace('{', '{"node":"n",'),
      honest.replace('test.happened', '\\ud800'),
      entry(2, { details: { b: 1, a: 2 } }),
      `\ufeff${honest}`,
    ]
    for (const body of twofold) {
      assert.deepEqual(verdict([entry(1), body]), incomplete('entry 2'), body)
    }
  })

  test('whose bytes are no text is named', () => {
    const bytes = Buffer.from(entry(1)).fill(0xff, 12, 13)
    const mirror = signed([bytes.toString('latin1')])
    // What the operator signed are exactly these bytes.
    const raw = forgeBytes([bytes])
    assert.deepEqual(verdictOf(verifyMirror(raw, keys)), incomplete('entry 1'))
    assert.equal(verifyMirror(mirror, keys).isIntact, true)
  })

  test('of a version that the verifier does not know is named, not passed over', () => {
    for (const v of [2, '1', 0, null]) {
      assert.deepEqual(verdict([entry(1), entry(2, { v })]).where, ['entry 2'])
    }
  })

  test('of a realm of another name is pointed at', () => {
    const report = verifyMirror(signed([entry(1), entry(2, { realm: 'R' })]), keys)
    assert.equal(report.notes.at(-1), 'entry 2: the realm is called R, before r')
  })

  test('whose time is no time is named', () => {
    for (const time of ['9999', '2026-03-01T10:00:00Z', '2026-13-01T10:00:00.000Z', '']) {
      assert.equal(verdict([entry(1), entry(2, { time })]).where[0], 'entry 2', time)
    }
  })

  test('nested without end is named and ends nothing', () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
    const body = entry(2).replace('"test.happened"', deep)
    assert.deepEqual(verdict([entry(1), body]).where, ['entry 2'])
  })
})

describe('a start of the process', () => {
  const started = (boot: string, counter: number, details = {}) =>
    entry(counter, { boot, action: 'process.started', details })
  const stopped = (boot: string, counter: number) =>
    entry(counter, { boot, action: 'process.stopped' })

  test('that names one before it which is not in the log shows that a whole start was left out', () => {
    const after = (previousBoot: string) => ({ previousBoot, previousStop: 'clean' })
    const first = [started('a', 1, { previousStop: 'unknown' }), stopped('a', 2)]
    assert.deepEqual(verdict([...first, started('b', 1, after('a'))]), WHOLE)
    assert.deepEqual(verdict([...first, started('c', 1, after('b'))]), incomplete('entry 3'))
    assert.deepEqual(verdict([started('c', 1, after('b'))]), incomplete('entry 1'))
  })

  test('is not ended by the end of another', () => {
    const bodies = [started('a', 1), entry(1, { boot: 'x' }), stopped('x', 2), started('b', 1)]
    assert.deepEqual(verdict(bodies), incomplete('entry 4'))
  })
})

describe('the name of the log', () => {
  const called = (origin: string, ...actions: readonly string[]) => {
    const bodies = actions.map((action, at) => entry(at + 1, { action }))
    const mirror = forge(bodies, signing, NOW, origin)
    const own = signing.map((key) => verifierKeyOf(origin, key))
    return verdictOf(verifyMirror(mirror, own))
  }

  test('changes with each restore that the log tells of, and then only', () => {
    const [first, second] = ['realm.example/log', 'realm.example/log/2']
    assert.deepEqual(called(first, 'test.happened'), WHOLE)
    assert.deepEqual(called(second, 'test.happened', 'log.restored'), WHOLE)
    assert.deepEqual(called(second, 'test.happened'), incomplete('the whole log'))
    assert.deepEqual(called(first, 'log.restored'), incomplete('the whole log'))
    assert.deepEqual(called('elsewhere.example', 'log.restored'), WHOLE, 'not named by us')
  })
})

describe('a checkpoint', () => {
  test('signed in the future is not the newest for ever', () => {
    const age = { nowSeconds: NOW, maxSeconds: 60 }
    const of = (seconds: number) => verdictOf(verifyMirror(signed(some(3), seconds), keys, { age }))
    assert.deepEqual([of(NOW - 60), of(NOW + 200)], [WHOLE, WHOLE])
    for (const seconds of [NOW - 61, NOW + 86_400, 2 ** 53 - 1]) {
      assert.deepEqual(of(seconds), incomplete('the end, after entry 3'), String(seconds))
    }
  })

  test('with nothing to hold it against says that a cut tail would not show', () => {
    const notes = (check = {}) => verifyMirror(signed(some(3)), keys, check).notes.join()
    assert.match(notes(), /a log cut at its end looks like this/)
    const older = [{ name: 'kept', note: noteOf(signed(some(2))) }]
    assert.equal(notes({ older }), '')
  })

  test('of a time that no calendar has still gets its verdict', () => {
    const directory = exported(signed(some(3), 2 ** 53 - 1))
    const found = run(folder, directory, ...keyArgs)
    assert.deepEqual([found.status, found.error], [0, ''], found.out)
    assert.match(found.out, /intact: yes\ncomplete: yes\n$/)
  })

  test('of a size that nobody could write down ends the verifier’s patience, not the auditor’s', () => {
    const mirror = signed(some(3))
    const huge = { origin: ORIGIN, size: 2 ** 52, root: new Uint8Array(32) }
    mirror.set('checkpoint', Buffer.from(signCheckpoint(huge, signing, NOW)))
    const found = run(folder, exported(mirror), ...keyArgs)
    assert.equal(found.status, 12, found.error)
  })

  test('that is not UTF-8, or hides behind a byte order mark, is none', () => {
    const note = Buffer.from(noteOf(signed(some(3))))
    for (const bytes of [Buffer.concat([Buffer.from('\ufeff'), note]), Buffer.from([0xff])]) {
      const mirror = signed(some(3)).set('checkpoint', bytes)
      assert.deepEqual(verdictOf(verifyMirror(mirror, keys)).where, ['the checkpoint'])
    }
  })

  test('with a good signature of one key and a wrong or missing one of the other is not believed', () => {
    const [classical, quantum] = noteOf(signed(some(3)))
      .split('\n')
      .filter((line) => line.startsWith('—'))
    const [otherClassical, otherQuantum] = noteOf(signed(some(4)))
      .split('\n')
      .filter((line) => line.startsWith('—'))
    const text = noteOf(signed(some(3))).split('—')[0] ?? ''
    const judged = (...lines: (string | undefined)[]) => {
      const note = text + lines.map((line) => `${line}\n`).join('')
      return verifyMirror(signed(some(3)).set('checkpoint', Buffer.from(note)), keys).isIntact
    }
    assert.equal(judged(classical, quantum), true)
    for (const lines of [
      [classical],
      [quantum],
      [classical, otherQuantum],
      [otherClassical, quantum],
      // One name and key id, twice: the first one counts.
      [otherClassical, classical, quantum],
    ]) {
      assert.equal(judged(...lines), false)
    }
  })

  test('under a name that only looks alike is another log’s', () => {
    const mirror = signed(some(3))
    for (const name of [
      ORIGIN.replace('a', '\u0430'),
      `${ORIGIN}/`,
      ORIGIN.toUpperCase(),
      `${ORIGIN}\u200b`,
    ]) {
      const alike = keys.map((key) => ({ ...key, name }))
      assert.deepEqual(verdictOf(verifyMirror(mirror, alike)).where, ['the checkpoint'], name)
    }
  })
})

describe('a file of the export', () => {
  test('that holds more than its name says is not taken for whole', () => {
    const bodies = some(300)
    const honest = signed(bodies)
    const hashes = honest.get('tile/0/001.p/44') ?? new Uint8Array()
    const bundle = parseBundle(honest.get('tile/entries/001.p/44') ?? new Uint8Array()) ?? []
    for (const [path, bytes] of [
      ['tile/0/001.p/44', Buffer.concat([hashes, hashes.subarray(0, 32)])],
      ['tile/0/001.p/44', hashes.subarray(0, -1)],
      ['tile/entries/001.p/44', encodeBundle([...bundle, Buffer.from(entry(301))])],
      ['tile/entries/001.p/44', encodeBundle(bundle.slice(0, -1))],
    ] as const) {
      const mirror = new Map(honest).set(path, bytes)
      const report = verifyMirror(mirror, keys)
      assert.equal(report.isComplete, false, path)
      assert.ok(report.findings.some(({ what }) => what.includes(path)))
    }
  })

  test('that is a device, a pipe, a folder or far too large is not read', () => {
    const directory = exported(signed(some(3)))
    const bundle = join(directory, 'tile/entries/000.p/3')
    const prepare: readonly (() => void)[] = [
      () => symlinkSync('/dev/zero', bundle),
      () => assert.equal(spawnSync('mkfifo', [bundle]).status, 0),
      () => mkdirSync(bundle),
      () => writeFileSync(bundle, new Uint8Array(17 * 1024 * 1024 + 1)),
    ]
    for (const make of prepare) {
      rmSync(bundle, { recursive: true, force: true })
      make()
      const found = run(folder, directory, ...keyArgs)
      assert.equal(found.status, 8, found.error)
      assert.match(found.out, /not complete: entries 1 to 3: /)
    }
  })

  test('cannot pass for a key that the auditor typed', () => {
    // A key may end in a slash, which no file's name does.
    let typed = ''
    do {
      const ours = signingKeyFrom('ed25519', generateSigningKey('ed25519'))
      typed = formatVkey(verifierKeyOf(ORIGIN, ours))
    } while (typed.endsWith('/'))
    const theirs = [signingKeyFrom('ed25519', generateSigningKey('ed25519'))]
    const other = theirs.map((key) => formatVkey(verifierKeyOf(ORIGIN, key))).join('\n')
    const directory = exported(signed(some(3), NOW, theirs))
    put(directory, new Map([[typed, Buffer.from(other)]]))
    assert.equal(run(directory, '.', '--key', typed).status, 12)
  })
})

describe('what is printed', () => {
  test('does not obey what an entry says', () => {
    const node = 'n\u001b[2K\u009b1A\u202e\ncomplete: yes'
    const found = run(folder, exported(signed([entry(2, { node })])), ...keyArgs)
    assert.equal(found.status, 8)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    assert.doesNotMatch(found.out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    assert.equal(found.out.match(/complete: yes$/gm), null)
  })

  test('says how many facts it leaves out, and never leaves out a restore', () => {
    const noise = Array.from({ length: 150 }, (_, at) =>
      entry(at + 1, { action: 'clock.stepped-back' }),
    )
    const { notes } = verifyMirror(signed([...noise, entry(151, { action: 'log.restored' })]), keys)
    assert.match(notes.join('\n'), /entry 151: .*put back from a copy/)
    assert.match(notes.join('\n'), /and 50 more/)
  })
})

describe('an auditor’s mistake', () => {
  const directory = () => exported(signed(some(3)))
  const empty = () => {
    const file = join(folder, 'empty')
    writeFileSync(file, '\n')
    return file
  }

  test('is not an answer: a file without keys is no policy', () => {
    assert.equal(run(folder, directory(), ...keyArgs, '--witness', empty()).status, 2)
    assert.equal(run(folder, directory(), ...keyArgs, '--key', empty()).status, 2)
    const witness = formatVkey(someWitnessKeys('w.example/w').verifiers[0])
    assert.equal(run(folder, directory(), ...keyArgs, '--witness', witness).status, 8)
  })

  test('is not passed over: what does not go with a proof is refused', () => {
    const proof = join(folder, 'proof')
    writeFileSync(proof, 'none')
    for (const more of [['--max-age', '5'], ['--witness', 'w'], ['--quorum', '1'], [folder]]) {
      assert.equal(run(folder, '--proof', proof, ...keyArgs, ...more).status, 2, String(more))
    }
  })
})

/** As `forge`, of bytes that are no text. */
const forgeBytes = (entries: readonly Uint8Array[]): Mirror => {
  const placeholder = signed(entries.map(() => '{}'))
  const [leaf] = entries
  assert.ok(leaf !== undefined && entries.length === 1)
  const hash = leafHash(leaf)
  const note = signCheckpoint({ origin: ORIGIN, size: 1, root: hash }, signing, NOW)
  return placeholder
    .set('checkpoint', Buffer.from(note))
    .set('tile/0/000.p/1', hash)
    .set('tile/entries/000.p/1', encodeBundle(entries))
}
