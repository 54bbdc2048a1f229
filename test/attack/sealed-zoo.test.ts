// Sealed messages that are not what they should be, over the real line: each gets its code in the log, and the answer
// that the protocol has for it, which is silence for noise and the signed reset for a session that does not open it.

import assert from 'node:assert/strict'
import { createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type * as jose from 'jose'
import type { RefusalCode } from '../../src/refusal.ts'
import { type Device, type Json, ownKeyPair } from '../support/device.ts'
import { type HostileCore, openHostileCore } from '../support/hostile-core.ts'
import { HOME } from '../support/world.ts'

let core: HostileCore
let alice: Device
let good: string
let handshake: string
let keysBefore: number
before(async () => {
  core = await openHostileCore({ world: { settings: { sealedMessageMaxChars: 100_000 } } })
  alice = await core.signedIn('alice')
  // Were one of its damaged copies to open, there would be a key more.
  good = await alice.seal(alice.request({ method: 'create', uri: '/keys', count: 1 }))
  handshake = await alice.sealHandshake(alice.handshakeRequest(ownKeyPair()))
  keysBefore = await count('key.created')
})
after(() => core.close())

const count = async (action: string): Promise<number> =>
  (await core.world.entries()).filter((entry) => entry.action === action).length
const b64u = (value: unknown): string =>
  (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(JSON.stringify(value))).toString(
    'base64url',
  )

/** A JWE with any header, sealed as AES-256-GCM under the session's key, as its recipient would open it. */
const forge = (header: unknown, key: Uint8Array = alice.channel.key, encryptedKey = ''): string => {
  const iv = randomBytes(12)
  const encoded = typeof header === 'string' ? header : b64u(header)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(encoded))
  const request = alice.request({ method: 'create', uri: '/keys', count: 1 })
  const text = Buffer.concat([cipher.update(JSON.stringify(request)), cipher.final()])
  return [encoded, encryptedKey, b64u(iv), b64u(text), b64u(cipher.getAuthTag())].join('.')
}
const header = (changes: Json = {}): Json => ({
  enc: 'A256GCM',
  alg: 'dir',
  kid: alice.channel.uri,
  ...changes,
})
const staticJwk = (): jose.JWK =>
  JSON.parse(core.world.realm.staticKeys.published?.publicJwkJson ?? '')
const staticHeader = (changes: Json = {}): Json => ({
  enc: 'A256GCM',
  alg: 'RSA-OAEP',
  kid: staticJwk().kid,
  ...changes,
})

/** A handshake sealed with RSA padding of one's choice. */
const forgeHandshake = (changes: Json, oaepHash: 'sha1' | 'sha256', bytes = 32): string => {
  const key = createPublicKey({ key: staticJwk() as never, format: 'jwk' })
  const contentKey = randomBytes(bytes)
  const encrypted = publicEncrypt({ key, oaepHash }, contentKey)
  const full = Buffer.concat([contentKey, Buffer.alloc(32)]).subarray(0, 32)
  return forge(staticHeader(changes), full, b64u(encrypted))
}

const damaged = (compact: string, part: number, how: 'flipped' | 'cut' | 'longer'): string => {
  const parts = compact.split('.')
  const bytes = Buffer.from(parts[part] ?? '', 'base64url')
  if (how === 'flipped') bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  const changed = how === 'cut' ? bytes.subarray(1) : how === 'longer' ? [...bytes, 0] : bytes
  return parts.with(part, b64u(Uint8Array.from(changed))).join('.')
}

type Case = readonly [string, () => string | Promise<string>, RefusalCode]

/** No answer at all, and one entry with that code. */
const silent = async (message: string, code: RefusalCode): Promise<void> => {
  assert.deepEqual(await alice.post([message]), [])
  assert.equal((await core.world.lastEntry())['code'], code)
}

/** The signed 499, and one entry with that code. */
const reset = async (message: string, code: RefusalCode): Promise<void> => {
  const [answer, ...others] = await alice.post([message])
  assert.ok(answer && others.length === 0, 'there is one answer')
  assert.equal((await alice.verify(answer.kmsMessage))['status'], 499)
  assert.equal((await core.world.lastEntry())['code'], code)
}

const noise: readonly Case[] = [
  ['nothing', () => '', 'channel.malformed'],
  ['words', () => 'let me in', 'channel.malformed'],
  ['dots', () => '....', 'channel.malformed'],
  ['four parts', () => good.split('.').slice(1).join('.'), 'channel.malformed'],
  ['six parts', () => `${good}.x`, 'channel.malformed'],
  ['a JWS', () => 'e30.e30.e30', 'channel.malformed'],
  ['the JSON form', () => '{"protected":"","ciphertext":""}', 'channel.malformed'],
  ['padding', () => `${good}==`, 'channel.malformed'],
  ['a line end', () => `${good}\n`, 'channel.malformed'],
  ['the alphabet of base64', () => good.replace(/[-_]/, '+').concat('+'), 'channel.malformed'],
  ['100,001 characters', () => `${good}${'A'.repeat(100_001)}`, 'channel.oversized'],
  ['a header that is no JSON', () => forge(b64u(Buffer.from('{"alg"'))), 'channel.malformed'],
  ['a header that is a list', () => forge([]), 'channel.malformed'],
  ['a header that is null', () => forge(null), 'channel.malformed'],
  [
    'a deep header',
    () => forge(b64u(Buffer.from('['.repeat(700) + ']'.repeat(700)))),
    'channel.malformed',
  ],
  ['a long header', () => forge(header({ typ: 'x'.repeat(5000) })), 'channel.malformed'],
  [
    'a header with a member twice',
    () => forge(b64u(Buffer.from(`{"alg":"RSA1_5",${JSON.stringify(header()).slice(1)}`))),
    'channel.malformed',
  ],
  [
    'a header with a member twice, once in disguise',
    () => forge(b64u(Buffer.from(`{"\\u0061lg":"none",${JSON.stringify(header()).slice(1)}`))),
    'channel.malformed',
  ],
  ['compression', () => forge(header({ zip: 'DEF' })), 'channel.malformed'],
  ['a critical extension', () => forge(header({ crit: ['exp'], exp: 1 })), 'channel.malformed'],
  ['an empty crit', () => forge(header({ crit: [] })), 'channel.malformed'],
  ['a key in the header', () => forge(header({ jwk: ownKeyPair() })), 'channel.malformed'],
  ['a key by address', () => forge(header({ jku: 'https://x.test' })), 'channel.malformed'],
  ['an unknown member', () => forge(header({ p2c: 1_000_000 })), 'channel.malformed'],
  ['no kid', () => forge(header({ kid: undefined })), 'channel.malformed'],
  ['a number for a kid', () => forge(header({ kid: 1 })), 'channel.malformed'],
  ['a kid with a blank', () => forge(header({ kid: 'a b' })), 'channel.malformed'],
  ['no alg', () => forge(header({ alg: undefined })), 'channel.malformed'],
  ['no enc', () => forge(header({ enc: undefined })), 'channel.malformed'],
  ...[
    'none',
    'HS256',
    'RSA1_5',
    'RSA-OAEP-256',
    'A256KW',
    'A256GCMKW',
    'ECDH-ES',
    'PBES2-HS256+A128KW',
    'DIR',
    'constructor',
    '__proto__',
  ].map((alg): Case => [`alg ${alg}`, () => forge(header({ alg })), 'channel.malformed']),
  ...['A128GCM', 'A256CBC-HS512', 'none', 'a256gcm'].map(
    (enc): Case => [`enc ${enc}`, () => forge(header({ enc })), 'channel.malformed'],
  ),
]

describe('noise is met with silence:', () => {
  for (const [what, make, code] of noise) test(what, async () => silent(await make(), code))
})

const unopened: readonly Case[] = [
  [
    'a session that never was',
    () => forge(header({ kid: `${HOME}/ecdhe/00000000-0000-4000-8000-000000000000` })),
    'channel.unknown-session',
  ],
  ['a kid of no UUID', () => forge(header({ kid: `${HOME}/ecdhe/1` })), 'channel.unknown-session'],
  [
    'a kid of another host',
    () => forge(header({ kid: alice.channel.uri.replace('acme', 'globex') })),
    'channel.unknown-session',
  ],
  [
    'a kid that names a key',
    () => forge(header({ kid: alice.channel.uri.replace('ecdhe', 'keys') })),
    'channel.unknown-session',
  ],
  [
    'the static key’s kid',
    () => forge(header({ kid: staticJwk().kid })),
    'channel.unknown-session',
  ],
  ['another key', () => forge(header(), randomBytes(32)), 'channel.not-opened'],
  [
    'an encrypted key where there is none',
    () => forge(header(), undefined, 'AAAA'),
    'channel.not-opened',
  ],
  ...[2, 3, 4].flatMap((part): readonly Case[] =>
    (['flipped', 'cut', 'longer'] as const).map((how) => [
      `part ${part} ${how}`,
      () => damaged(good, part, how),
      'channel.not-opened',
    ]),
  ),
  ['no IV', () => good.split('.').with(2, '').join('.'), 'channel.not-opened'],
  ['no tag', () => good.split('.').with(4, '').join('.'), 'channel.not-opened'],
  ['a tag of four bytes', () => good.split('.').with(4, 'AAAAAA').join('.'), 'channel.not-opened'],
]

describe('what its session does not open is met with the signed reset:', () => {
  for (const [what, make, code] of unopened) test(what, async () => reset(await make(), code))
})

const handshakes: readonly Case[] = [
  ['RSA1_5', () => forgeHandshake({ alg: 'RSA1_5' }, 'sha1'), 'channel.malformed'],
  ['RSA-OAEP-256', () => forgeHandshake({ alg: 'RSA-OAEP-256' }, 'sha256'), 'channel.malformed'],
  ['OAEP with SHA-256, unsaid', () => forgeHandshake({}, 'sha256'), 'channel.not-opened'],
  ['a content key of 16 bytes', () => forgeHandshake({}, 'sha1', 16), 'channel.not-opened'],
  ['a content key of 33 bytes', () => forgeHandshake({}, 'sha1', 33), 'channel.not-opened'],
  ['A128GCM', () => forgeHandshake({ enc: 'A128GCM' }, 'sha1'), 'channel.malformed'],
  ['compression', () => forgeHandshake({ zip: 'DEF' }, 'sha1'), 'channel.malformed'],
  [
    'a static key that is not ours',
    () => forgeHandshake({ kid: `${HOME}/statickeys/99` }, 'sha1'),
    'channel.unknown-static-key',
  ],
  [
    'the static key of another realm',
    () => forgeHandshake({ kid: 'kms://kms.globex.example/statickeys/1' }, 'sha1'),
    'channel.unknown-static-key',
  ],
  [
    'a session’s kid',
    () => forgeHandshake({ kid: alice.channel.uri }, 'sha1'),
    'channel.unknown-static-key',
  ],
  ...[1, 2, 3, 4].flatMap((part): readonly Case[] =>
    (['flipped', 'cut', 'longer'] as const).map((how) => [
      `part ${part} ${how}`,
      () => damaged(handshake, part, how),
      'channel.not-opened',
    ]),
  ),
]

describe('a handshake that does not open is met with silence:', () => {
  for (const [what, make, code] of handshakes) test(what, async () => silent(await make(), code))
})

test('garbage beside good messages takes nothing from them, and they come in their order', async () => {
  const ping = (requestId: string) =>
    alice.seal(alice.request({ method: 'update', uri: '/ping', requestId }))
  const answers = await alice.post([
    '',
    await ping('one'),
    'x.y.z',
    damaged(good, 3, 'cut'),
    await ping('two'),
  ])
  assert.deepEqual(
    answers.map(({ n }) => n),
    [1, 3, 4],
  )
  const [one, , two] = answers
  assert.equal((await alice.open(one?.kmsMessage ?? ''))['requestId'], 'one')
  assert.equal((await alice.open(two?.kmsMessage ?? ''))['requestId'], 'two')
})

test('after all that nothing was done, nothing was a fault, and the session lives', async () => {
  assert.equal(await count('key.created'), keysBefore)
  assert.equal(await count('session.created'), 1)
  assert.deepEqual(core.world.realm.faults, [])
  const [answer] = await alice.post([good])
  assert.equal((await alice.open(answer?.kmsMessage ?? ''))['status'], 201)
})
