import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CompactEncrypt, compactDecrypt } from 'jose'
import {
  aesKeyFrom,
  decodeUtf8,
  directHeader,
  openDirect,
  parseCompactJwe,
  sealDirect,
  systemRandom,
} from '../../../src/crypto/index.ts'

const KID = 'kms://kms.example.test/ecdhe/394e0000-0000-4000-8000-000000000000'
const raw = systemRandom.bytes(32)
const key = aesKeyFrom(raw)
const text = JSON.stringify({ method: 'retrieve', text: 'grüße 🔑' })
const b64u = (value: string) => Buffer.from(value, 'utf8').toString('base64url')
const withHeader = (header: string) =>
  `${b64u(header)}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA`
const opened = (message: string) => {
  const bytes = openDirect(message, key)
  return bytes === undefined ? undefined : decodeUtf8(bytes)
}

const headerOf = (compact: string) => parseCompactJwe(compact)?.header

describe('the header of a JWE', () => {
  it('is read with and without kid, spaces, and escapes of JSON', () => {
    const plain = { alg: 'dir', enc: 'A256GCM' }
    assert.deepEqual(headerOf(withHeader('{"alg":"dir","enc":"A256GCM"}')), plain)
    assert.deepEqual(headerOf(withHeader(' {\n "enc" : "A256GCM",\t"alg":"dir" } ')), plain)
    assert.deepEqual(
      headerOf(
        withHeader('{"alg":"dir","enc":"A256GCM","kid":"kms:\\/\\/a","typ":"JWE","cty":"x"}'),
      ),
      { ...plain, kid: 'kms://a', cty: 'x' },
    )
  })

  it('is each message’s own, whatever header came before it', () => {
    const one = withHeader('{"alg":"dir","enc":"A256GCM","kid":"one"}')
    const other = withHeader('{"alg":"dir","enc":"A256GCM","kid":"two"}')
    const bad = withHeader('{"alg":"dir","enc":"A256GCM","zip":"DEF"}')
    const kids = [one, one, other, bad, bad, one].map((message) => headerOf(message)?.kid)
    assert.deepEqual(kids, ['one', 'one', 'two', undefined, undefined, 'one'])
  })

  const refused: Readonly<Record<string, string>> = {
    'compressed (zip)': '{"alg":"dir","enc":"A256GCM","zip":"DEF"}',
    crit: '{"alg":"dir","enc":"A256GCM","crit":["exp"]}',
    epk: '{"alg":"dir","enc":"A256GCM","epk":{"kty":"EC"}}',
    jwk: '{"alg":"dir","enc":"A256GCM","jwk":{}}',
    'duplicate alg': '{"alg":"none","alg":"dir","enc":"A256GCM"}',
    'duplicate alg, one spelt with an escape': '{"\\u0061lg":"none","alg":"dir","enc":"A256GCM"}',
    'duplicate, the first an object': '{"alg":{"a":"b"},"alg":"dir","enc":"A256GCM"}',
    'duplicate, the first a number': '{"alg":1,"alg":"dir","enc":"A256GCM"}',
    'kid a number': '{"alg":"dir","enc":"A256GCM","kid":1}',
    'kid null': '{"alg":"dir","enc":"A256GCM","kid":null}',
    'kid empty': '{"alg":"dir","enc":"A256GCM","kid":""}',
    'kid with a space': '{"alg":"dir","enc":"A256GCM","kid":"a b"}',
    'kid with a line break': '{"alg":"dir","enc":"A256GCM","kid":"a\\nb"}',
    'kid not ASCII': '{"alg":"dir","enc":"A256GCM","kid":"ä"}',
    'kid too long': `{"alg":"dir","enc":"A256GCM","kid":"${'k'.repeat(1025)}"}`,
    'alg missing': '{"enc":"A256GCM"}',
    'enc missing': '{"alg":"dir"}',
    ['__proto__']: '{"__proto__":"x","alg":"dir","enc":"A256GCM"}',
    'an array': '["alg","dir"]',
    'a string': '"dir"',
    null: 'null',
    'not JSON': '{"alg":"dir","enc":"A256GCM"',
    empty: '',
    oversized: `{"alg":"dir","enc":"A256GCM"${' '.repeat(2000)}}`,
  }
  for (const [name, header] of Object.entries(refused)) {
    it(`is refused: ${name}`, () => assert.equal(headerOf(withHeader(header)), undefined))
  }
})

describe('a compact JWE', () => {
  const message = sealDirect(text, key, directHeader(KID), systemRandom)

  it('has exactly five parts', () => {
    const parts = message.split('.')
    assert.equal(parts.length, 5)
    for (const wrong of [
      '',
      '.',
      '....',
      '.....',
      message.slice(0, message.lastIndexOf('.')),
      `${message}.`,
      `.${message}`,
    ]) {
      assert.equal(parseCompactJwe(wrong), undefined, wrong)
    }
  })

  it('is canonical base64url in every part: no padding, no other alphabet, no stray bits', () => {
    const parts = message.split('.')
    for (const [at, part] of parts.entries()) {
      for (const bad of [`${part}=`, `${part}+`, `${part}/`, ` ${part}`, `${part}\n`, `${part}ä`]) {
        const changed = parts.with(at, bad).join('.')
        assert.equal(parseCompactJwe(changed), undefined, `part ${at}`)
      }
    }
    // 'AB' and 'AA' decode to the same byte: only one of them is canonical.
    assert.equal(parseCompactJwe(parts.with(3, 'AB').join('.')), undefined)
    assert.notEqual(parseCompactJwe(parts.with(3, 'AA').join('.')), undefined)
    assert.equal(parseCompactJwe(parts.with(3, 'A').join('.')), undefined)
  })
})

describe('dir with A256GCM', () => {
  const message = sealDirect(text, key, directHeader(KID), systemRandom)

  it('carries exactly the header that clients know', () => {
    const header = Buffer.from(message.split('.')[0] ?? '', 'base64url').toString()
    assert.equal(header, `{"enc":"A256GCM","alg":"dir","kid":"${KID}"}`)
    assert.equal(
      Buffer.from(directHeader().encoded, 'base64url').toString(),
      '{"enc":"A256GCM","alg":"dir"}',
    )
  })

  it('opens what it sealed, text and bytes, and nothing', () => {
    assert.equal(opened(message), text)
    const bytes = systemRandom.bytes(1000)
    const sealed = sealDirect(bytes, key, directHeader(), systemRandom)
    assert.deepEqual(Uint8Array.from(openDirect(sealed, key) ?? []), bytes)
    assert.equal(opened(sealDirect('', key, directHeader(), systemRandom)), '')
  })

  it('is opened by jose', async () => {
    const { plaintext, protectedHeader } = await compactDecrypt(message, raw)
    assert.equal(new TextDecoder().decode(plaintext), text)
    assert.deepEqual(protectedHeader, { enc: 'A256GCM', alg: 'dir', kid: KID })
  })

  it('opens what jose sealed', async () => {
    const theirs = await new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: KID })
      .encrypt(raw)
    assert.equal(opened(theirs), text)
    assert.equal(headerOf(theirs)?.kid, KID)
  })

  it('stays closed under another key', () => {
    assert.equal(openDirect(message, aesKeyFrom(systemRandom.bytes(32))), undefined)
  })

  it('stays closed when any one character of any part changed', () => {
    for (let at = 0; at < message.length; at += 1) {
      const other = message[at] === 'A' ? 'B' : 'A'
      assert.equal(opened(message.slice(0, at) + other + message.slice(at + 1)), undefined, `${at}`)
    }
  })

  it('stays closed when cut short at any place', () => {
    for (let length = 0; length < message.length; length += 1) {
      assert.equal(opened(message.slice(0, length)), undefined)
    }
  })

  it('takes no other algorithm, no encrypted key, no other length of IV or tag', () => {
    const parts = message.split('.')
    const changed = [
      parts.with(0, b64u('{"alg":"A256KW","enc":"A256GCM"}')),
      parts.with(0, b64u('{"alg":"dir","enc":"A128GCM"}')),
      parts.with(1, 'AAAA'),
      parts.with(2, ''),
      parts.with(2, 'AAAAAAAAAAAAAAAAAAAAAA'),
      parts.with(4, ''),
      parts.with(4, (parts[4] ?? '').slice(0, 16)),
    ]
    for (const each of changed) assert.equal(opened(each.join('.')), undefined)
  })
})
