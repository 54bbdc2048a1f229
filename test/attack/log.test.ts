// The operator is the adversary: they hold the database, the files and the keys that sign. Whatever they do to the
// log, an auditor who kept something names the entry and the verdict, or the realm refuses to go on.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  cosign,
  createRecorder,
  parseCheckpoint,
  parseNote,
  type VerifierKey,
} from '../../src/audit/index.ts'
import { encodeBundle, parseBundle } from '../../src/audit/tiles.ts'
import type { SigningKey } from '../../src/crypto/index.ts'
import { createLedger } from '../../src/kms/index.ts'
import { instant } from '../../src/time.ts'
import {
  bodiesOf,
  forge,
  type Mirror,
  mirrorOf,
  noteOf,
  sizeOf,
  verdictOf,
  verifyMirror,
} from '../support/mirror.ts'
import { someWitnessKeys, type WitnessKeys } from '../support/witnesses.ts'
import { World } from '../support/world.ts'

const PROCESS = { actor: { kind: 'system' }, type: 'PROCESS', outcome: 'done' } as const
const WHOLE = { isIntact: true, isComplete: true, where: [] }
/** More than one tile, and a partial one at the end. */
const ENTRIES = 600

let world: World
let honest: Mirror
let keys: readonly VerifierKey[]
let signing: readonly SigningKey[]
let early: string
let nowSeconds: number

const fill = (count: number): Promise<void> =>
  world.ledger.commit(async () => ({
    result: undefined,
    acts: Array.from({ length: count }, (_, index) => ({
      ...PROCESS,
      action: 'test.happened',
      requestId: `request-${index}`,
    })),
  }))

before(async () => {
  world = await World.open()
  await fill(300)
  early = noteOf((await mirrorOf(world)).mirror)
  await fill(ENTRIES - 300)
  const copied = await mirrorOf(world)
  honest = copied.mirror
  keys = copied.keys
  signing = world.realm.logKeys.signing ?? []
  nowSeconds = Math.floor(world.now() / 1000)
})
after(() => world.close())

const copy = (): Mirror => new Map(honest)
const older = () => [{ name: 'kept', note: early }]
const verdict = (mirror: Mirror, check = {}) => verdictOf(verifyMirror(mirror, keys, check))
const resigned = (change: (bodies: string[]) => string[]): Mirror =>
  forge(change([...bodiesOf(honest)]), signing, nowSeconds)

describe('an operator who', () => {
  test('does nothing leaves a log that is intact and complete', () => {
    const age = { nowSeconds, maxSeconds: 60 }
    assert.deepEqual(verdict(honest, { older: older(), age }), WHOLE)
    assert.deepEqual(
      verdict(
        resigned((bodies) => bodies),
        { older: older() },
      ),
      WHOLE,
    )
  })

  test('edits an entry in its bundle is told which', () => {
    const mirror = copy()
    const bundle = parseBundle(mirror.get('tile/entries/001') ?? new Uint8Array()) ?? []
    const edited = bundle.with(
      4,
      Buffer.from(
        Buffer.from(bundle[4] ?? [])
          .toString()
          .replace('done', 'DONE'),
      ),
    )
    mirror.set('tile/entries/001', encodeBundle(edited))
    const found = verdict(mirror)
    assert.deepEqual([found.isIntact, found.where], [false, ['entry 261']])
  })

  test('edits an entry and its hash no longer has what was signed', () => {
    const mirror = copy()
    const forged = resigned((bodies) =>
      bodies.with(260, (bodies[260] ?? '').replace('done', 'DONE')),
    )
    for (const path of ['tile/entries/001', 'tile/0/001'])
      mirror.set(path, forged.get(path) ?? new Uint8Array())
    const found = verdict(mirror)
    assert.equal(found.isIntact, false)
    assert.ok(found.where.includes('the checkpoint'), String(found.where))
    assert.ok(
      found.where.some((where) => where.includes('tile/0/001')),
      String(found.where),
    )
  })

  test('edits an entry and signs everything anew meets whoever kept a checkpoint', () => {
    const forged = resigned((bodies) =>
      bodies.with(20, (bodies[20] ?? '').replace('request-', 'REQUEST-')),
    )
    assert.deepEqual(verdict(forged), WHOLE, 'alone nobody can tell')
    const size = sizeOf(new Map([['checkpoint', Buffer.from(early)]]))
    const kept = verdict(forged, { older: older() })
    assert.deepEqual([kept.isIntact, kept.where], [false, [`kept, of size ${size}`]])
    const read = (path: string) => honest.get(path)
    const exported = verdict(forged, { older: [{ name: 'export', note: noteOf(honest), read }] })
    assert.ok(exported.where.includes('entry 21'), String(exported.where))
  })

  test('deletes an entry before anybody saw it leaves a hole in its node’s counting', () => {
    const found = verdict(resigned((bodies) => bodies.toSpliced(100, 1)))
    assert.deepEqual(found, { isIntact: true, isComplete: false, where: ['entry 101'] })
  })

  test('swaps two entries is told which', () => {
    const found = verdict(
      resigned((bodies) => bodies.with(100, bodies[101] ?? '').with(101, bodies[100] ?? '')),
    )
    assert.equal(found.isComplete, false)
    assert.equal(found.where[0], 'entry 101')
  })

  test('adds an entry to the past is told which', () => {
    const added = resigned((bodies) => {
      const past = (bodies[50] ?? '').replace('test.happened', 'key.released')
      return bodies.toSpliced(51, 0, past)
    })
    assert.deepEqual(verdict(added).where, ['entry 52'])
    assert.ok(verdict(added, { older: older() }).where.some((where) => where.startsWith('kept')))
  })

  test('cuts the tail meets whoever knows a larger size', () => {
    const cut = resigned((bodies) => bodies.slice(0, 200))
    assert.deepEqual(verdict(cut), WHOLE, 'alone nobody can tell')
    const found = verdict(cut, { older: older() })
    assert.deepEqual(found, {
      isIntact: true,
      isComplete: false,
      where: ['the end, after entry 200'],
    })
  })

  test('stops publishing is told how old the news is', () => {
    const age = { nowSeconds: nowSeconds + 7200, maxSeconds: 3600 }
    const found = verdict(honest, { age })
    assert.deepEqual([found.isIntact, found.isComplete, found.where.length], [true, false, 1])
  })

  test('shows each auditor another branch has signed the proof of it', () => {
    const [left, right] = ['left', 'right'].map((side) =>
      resigned((bodies) => [...bodies, (bodies.at(-1) ?? '').replace('request-', side)]),
    )
    const found = verdict(left ?? new Map(), {
      older: [{ name: 'the other', note: noteOf(right ?? new Map()) }],
    })
    assert.equal(found.isIntact, false)
    assert.ok(found.where.some((where) => where.startsWith('the other, of size')))
  })

  test('deletes a tile, a bundle, or both, is told which', () => {
    for (const [paths, isIntact] of [
      [['tile/0/001'], true],
      [['tile/entries/001'], true],
      [['tile/1/000.p/2'], true],
      [['tile/0/001', 'tile/entries/001'], false],
    ] as const) {
      const mirror = copy()
      for (const path of paths) assert.ok(mirror.delete(path), path)
      const report = verifyMirror(mirror, keys)
      assert.deepEqual([report.isIntact, report.isComplete], [isIntact, false])
      for (const path of paths) {
        assert.ok(
          report.findings.some(({ what }) => what.includes(path)),
          path,
        )
      }
    }
  })

  test('shows a log without a checkpoint, or with another’s, is not believed', () => {
    const without = copy()
    without.delete('checkpoint')
    assert.deepEqual([verdict(without).isIntact, verdict(without).isComplete], [false, false])
    const others = keys.map((key) => ({ ...key, publicKey: key.publicKey.map((byte) => byte ^ 1) }))
    assert.equal(verifyMirror(honest, others).isIntact, false)
  })

  test('sets the clock back leaves an entry that says so; without it the times run backwards', async () => {
    const back = createLedger(world.store, createRecorder('acme', 'node-1', 'boot-back'), () =>
      instant(world.now() - 60_000),
    )
    const acts = [{ ...PROCESS, action: 'test.happened' }]
    await back.commit(async () => ({ result: undefined, acts }))
    const { mirror } = await mirrorOf(world)
    const bodies = bodiesOf(mirror)
    const said: { action: string; details: unknown } = JSON.parse(bodies.at(-1) ?? '')
    assert.equal(said.action, 'clock.stepped-back')
    assert.deepEqual(verdict(mirror), WHOLE)
    const hidden = bodies.slice(0, -1)
    assert.deepEqual(verdict(forge(hidden, signing, nowSeconds)).where, [`entry ${hidden.length}`])
  })
})

describe('a start of the process', () => {
  const life = (boot: string, counter: number, action: string, details = {}): string =>
    JSON.stringify({
      ...{ action, boot, counter, details, node: 'n', realm: 'r' },
      ...{ time: '2026-03-01T10:00:00.000Z', v: 1 },
    })
  const at = (bodies: readonly string[]) => verdict(forge(bodies, signing, nowSeconds))

  test('that follows one that never ended must say so', () => {
    const first = life('a', 1, 'process.started')
    const stopped = life('a', 2, 'process.stopped')
    const said = { previousBoot: 'a', previousStop: 'unclean' }
    assert.deepEqual(at([first, stopped, life('b', 1, 'process.started')]), WHOLE)
    assert.deepEqual(at([first, life('b', 1, 'process.started', said)]), WHOLE)
    const silent = { previousBoot: 'a', previousStop: 'clean' }
    assert.deepEqual(at([first, life('b', 1, 'process.started', silent)]).where, ['entry 2'])
  })
})

describe('an auditor who names witnesses', () => {
  const [first, second] = [someWitnessKeys('first.example/w'), someWitnessKeys('second.example/w')]
  const some = (quorum: number, ...witnesses: readonly WitnessKeys[]) => ({
    witnesses: { quorum, keys: witnesses.map(({ verifiers }) => verifiers[0]) },
  })
  const cosigned = (note: string, witnesses: readonly WitnessKeys[], ago = 0): string => {
    const text = parseNote(note)?.text ?? ''
    const checkpoint = parseCheckpoint(text)
    assert.ok(checkpoint !== undefined)
    return note + witnesses.map((one) => cosign(text, checkpoint, one, nowSeconds - ago)).join('')
  }
  const withNotes = (newest: string, witnessed?: string): Mirror => {
    const mirror = copy().set('checkpoint', Buffer.from(newest))
    return witnessed === undefined
      ? mirror
      : mirror.set('checkpoint.witnessed', Buffer.from(witnessed))
  }

  test('believes a quorum of different ones, on the newest or on an earlier checkpoint', () => {
    const newest = noteOf(honest)
    const both = withNotes(cosigned(newest, [first, second]))
    assert.deepEqual(verdict(both, some(2, first, second)), WHOLE)
    const earlier = withNotes(newest, cosigned(early, [first, second]))
    assert.deepEqual(verdict(earlier, some(2, first, second)), WHOLE)
    assert.match(
      verifyMirror(earlier, keys, some(2, first, second)).notes.join(),
      /entries after 3\d\d are not witnessed yet/,
    )
    for (const mirror of [copy(), withNotes(cosigned(newest, [first]))]) {
      const found = verdict(mirror, some(2, first, second))
      assert.deepEqual(found, { isIntact: true, isComplete: false, where: ['the witnesses'] })
    }
    const itself = { witnesses: { quorum: 1, keys: keys.slice(1) } }
    assert.equal(verdict(copy(), itself).isComplete, false, 'a log is not its own witness')
    const twice = { witnesses: { quorum: 2, keys: first.verifiers } }
    assert.equal(verdict(withNotes(cosigned(newest, [first])), twice).isComplete, false)
  })

  test('does not take a cosignature of another checkpoint for one of this', () => {
    const newest = noteOf(honest)
    const stolen = cosigned(early, [first]).slice(early.length)
    assert.equal(verdict(withNotes(newest + stolen), some(1, first)).isComplete, false)
  })

  test('is told that witnesses stopped long ago', () => {
    const mirror = withNotes(cosigned(noteOf(honest), [first], 7200))
    const age = { nowSeconds, maxSeconds: 3600 }
    const found = verdict(mirror, { ...some(1, first), age })
    assert.deepEqual([found.isIntact, found.isComplete, found.where.length], [true, false, 1])
    assert.equal(verdict(mirror, some(1, first)).isComplete, false, 'by the log’s own clock, too')
  })

  test('learns from what a witness saw that the tail was cut', () => {
    const cut = resigned((bodies) => bodies.slice(0, 200))
    const seen = cosigned(early, [first])
    const found = verdict(cut, { ...some(1, first), older: [{ name: 'seen', note: seen }] })
    assert.deepEqual(found.where, ['the end, after entry 200'])
  })

  test('is told of two checkpoints of one size, with both as the proof', () => {
    const fork = noteOf(
      resigned((bodies) => bodies.with(5, (bodies[5] ?? '').replace('{', '{"a":1,'))),
    )
    const found = verifyMirror(honest, keys, { older: [{ name: 'shown to another', note: fork }] })
    const [said] = found.findings
    assert.deepEqual(
      [found.isIntact, said?.where],
      [false, `the checkpoint and shown to another, both of size ${sizeOf(honest)}`],
    )
    assert.match(said?.what ?? '', /different roots, \S{44} and \S{44},/)
    const larger = [cosigned(noteOf(honest), [first]), fork].map((note, index) => ({
      name: `kept ${index}`,
      note,
    }))
    const cut = verdict(
      resigned((bodies) => bodies.slice(0, 200)),
      { older: larger },
    )
    assert.ok(cut.where.includes(`kept 0 and kept 1, both of size ${sizeOf(honest)}`))
  })
})
