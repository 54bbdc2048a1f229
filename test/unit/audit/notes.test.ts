// Tiles' paths, entry bundles, signed notes, vkeys and proofs as C2SP spells them: what others must be able to read,
// and what must not be taken for it. Examples are those of the specifications (C2SP, CC BY 4.0).

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifierKeyOf,
} from '../../../src/audit/checkpoint.ts'
import { formatNote, formatVkey, parseNote, parseVkey } from '../../../src/audit/note.ts'
import {
  formatConsistency,
  formatInclusion,
  parseConsistency,
  parseInclusion,
} from '../../../src/audit/proof.ts'
import { encodeBundle, parseBundle, parseTilePath, tilePath } from '../../../src/audit/tiles.ts'
import { leafHash } from '../../../src/audit/tree.ts'
import { generateSigningKey, signingKeyFrom } from '../../../src/crypto/index.ts'

const ORIGIN = 'kms.acme.example/log'
const KEYS = (['ed25519', 'ml-dsa-44'] as const).map((algorithm) =>
  signingKeyFrom(algorithm, generateSigningKey(algorithm)),
)
const VERIFIERS = KEYS.map((key) => verifierKeyOf(ORIGIN, key))
const CHECKPOINT = {
  origin: ORIGIN,
  size: 20_852_163,
  root: new Uint8Array(leafHash(Buffer.from('root'))),
}
const SIGNED_AT = 1_679_315_147
const NOTE = signCheckpoint(CHECKPOINT, KEYS, SIGNED_AT)

describe('a tile', () => {
  test('has the path of the specification, and no other', () => {
    const tile = { level: 0, index: 1_234_067, width: 256 }
    assert.equal(tilePath(tile), 'tile/0/x001/x234/067')
    assert.equal(tilePath({ level: 'entries', index: 7, width: 12 }), 'tile/entries/007.p/12')
    for (const one of [tile, { level: 'entries' as const, index: 0, width: 1 }]) {
      assert.deepEqual(parseTilePath(tilePath(one)), one)
    }
    for (const wrong of [
      'tile/0/67',
      'tile/0/x000/067',
      'tile/00/067',
      'tile/64/067',
      'tile/0/067.p/0',
      'tile/0/067.p/256',
      'tile/0/067.p/012',
      'tile/0/1x067',
      'tile/0/x001/067/',
      'tile/0/../067',
    ]) {
      assert.equal(parseTilePath(wrong), undefined, wrong)
    }
  })

  test('of entries holds each after its length, and refuses what is cut off', () => {
    const entries = ['', 'a', 'é'.repeat(200)].map((text) => new Uint8Array(Buffer.from(text)))
    const bundle = encodeBundle(entries)
    assert.deepEqual(Buffer.from(bundle).subarray(0, 6).toString('hex'), '000000016101')
    assert.deepEqual(
      parseBundle(bundle)?.map((entry) => new Uint8Array(entry)),
      entries,
    )
    for (const end of [1, bundle.length - 1]) {
      assert.equal(parseBundle(bundle.subarray(0, end)), undefined)
    }
  })
})

describe('a signed note', () => {
  test('of the specification is read', () => {
    const raw =
      'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n' +
      '— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n'
    const note = parseNote(raw)
    assert.ok(note)
    assert.ok(note.text.endsWith('ed è subito sera.\n'))
    assert.equal(note.signatures[0]?.name, 'quasimodo.example/salvatore')
    assert.equal(note.signatures[0]?.signature.length, 64)
    assert.equal(formatNote(note), raw)
  })

  test('that is not one is refused', () => {
    for (const wrong of [
      'text\n',
      'text\n\n',
      'text\n\n- name AAAAAAAA\n',
      'text\n\n— name AAAA\n',
      'text\n\n— na+me AAAAAAAA\n',
      'text\n\n— name AAAAAAA\n',
      'te\u0001xt\n\n— name AAAAAAAA\n',
      'text\n\n— name AAAAAAAA',
    ]) {
      assert.equal(parseNote(wrong), undefined, JSON.stringify(wrong))
    }
  })

  // The verifier key of the documentation of golang.org/x/mod/sumdb/note (BSD-3-Clause).
  test('has keys in the form that Go reads', () => {
    const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
    const key = parseVkey(vkey)
    assert.deepEqual([key?.name, key?.type, key?.publicKey.length], ['PeterNeumann', 1, 32])
    assert.equal(parseVkey(vkey.replace('c74f20a3', 'c74f20a4')), undefined)
    assert.equal(parseVkey(vkey.replace('PeterNeumann', 'Peter Neumann')), undefined)
    for (const one of VERIFIERS) assert.deepEqual(parseVkey(formatVkey(one)), one)
  })
})

describe('a checkpoint', () => {
  test('carries both signatures, and the time of the second', () => {
    assert.deepEqual(openCheckpoint(NOTE, VERIFIERS), { ...CHECKPOINT, signedAt: SIGNED_AT })
    for (const one of VERIFIERS) assert.equal(typeof openCheckpoint(NOTE, [one]), 'object')
  })

  test('is refused if a byte of it, or whose it is, is another', () => {
    const [first] = VERIFIERS
    assert.ok(first)
    assert.equal(openCheckpoint(NOTE.replace('20852163', '20852164'), [first]), 'bad-signature')
    assert.equal(openCheckpoint(NOTE.replace('20852163', '20852164'), VERIFIERS), 'bad-signature')
    assert.equal(openCheckpoint(NOTE, []), 'not-signed')
    const unsigned = NOTE.split('\n').toSpliced(4, 1).join('\n')
    assert.equal(openCheckpoint(unsigned, VERIFIERS), 'not-signed')
    const other = VERIFIERS.map((key) => ({ ...key, name: 'other.example/log' }))
    assert.equal(openCheckpoint(NOTE, other), 'another-log')
    assert.equal(openCheckpoint('nothing', VERIFIERS), 'not-a-checkpoint')
    const unknown = [{ ...first, type: 2 }]
    const [line = ''] = NOTE.split('\n').slice(4)
    assert.notEqual(line, '')
    assert.equal(openCheckpoint(NOTE, unknown), 'not-signed')
  })

  test('signed at another time than it says is refused', () => {
    const [, second] = VERIFIERS
    assert.ok(second)
    const [text = '', lines = ''] = [
      NOTE.slice(0, NOTE.lastIndexOf('\n\n')),
      NOTE.split('\n').at(-2),
    ]
    const [dash, name, encoded = ''] = lines.split(' ')
    const bytes = Buffer.from(encoded, 'base64')
    bytes[11] = (bytes[11] ?? 0) ^ 1
    const later = `${text}\n\n${dash} ${name} ${bytes.toString('base64')}\n`
    assert.equal(openCheckpoint(later, [second]), 'bad-signature')
  })

  test('of another form is none', () => {
    for (const wrong of ['a\n1\n', 'a\n01\nAAAA\n', 'a\n1\nAAAA\n', '\n1\nAAAA\n']) {
      assert.equal(parseCheckpoint(wrong), undefined)
    }
  })
})

describe('a proof', () => {
  test('is written as others read it, and read back', () => {
    const hashes = ['a', 'b'].map((text) => new Uint8Array(leafHash(Buffer.from(text))))
    for (const proof of [
      { index: 7, hashes, checkpoint: NOTE },
      { index: 0, hashes: [], checkpoint: NOTE },
    ]) {
      const inclusion = formatInclusion(proof)
      assert.ok(inclusion.startsWith(`c2sp.org/tlog-proof@v1\nindex ${proof.index}\n`))
      assert.deepEqual(parseInclusion(inclusion), proof)
      assert.deepEqual(
        parseInclusion(inclusion.replace('\n', '\nextra YQ==\n')),
        { ...proof, extra: new Uint8Array(Buffer.from('a')) },
        'extra data is handed on',
      )
      const consistency = formatConsistency(proof)
      assert.ok(consistency.startsWith(`old ${proof.index}\n`))
      assert.deepEqual(parseConsistency(consistency), proof)
    }
    for (const wrong of ['', 'c2sp.org/tlog-proof@v1\nindex 01\n\nx', 'old 1\nAAAA\n\nx']) {
      assert.equal(parseInclusion(wrong), undefined)
      assert.equal(parseConsistency(wrong), undefined)
    }
  })
})
