import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../../src/fault.ts'
import { createLog, type Log } from '../../../src/runtime/index.ts'

const aLog = () => {
  const lines: string[] = []
  const log = createLog({ level: 'debug', sink: { write: (line) => lines.push(line) } })
  return { log, lines, last: (): unknown => JSON.parse(lines.at(-1) ?? '') }
}

/** Fields that the types forbid, as a mistake or a cast would pass them. */
const force = (log: Log, fields: object): void => {
  Reflect.apply(log.info, log, ['planted', fields])
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

describe('a log line', () => {
  test('is one JSON object with level, time, event and fields', () => {
    const { log, lines, last } = aLog()
    log.with({ node: 'n1' }).info('link.connected', { attempt: 2, isFirst: true, host: null })
    const { time, ...line } = Object(last())
    assert.deepEqual(line, {
      level: 'info',
      node: 'n1',
      attempt: 2,
      isFirst: true,
      host: null,
      event: 'link.connected',
    })
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.equal(lines.length, 1)
  })

  test('stays one line whatever is in its fields', () => {
    const { log, lines } = aLog()
    log.info('a\nb %s %d', { text: '\n{"level":"error"}\r\u2028' })
    assert.equal(lines[0]?.trimEnd().split('\n').length, 1)
    assert.equal(Object(JSON.parse(lines[0] ?? '')).event, 'a\nb %s %d')
  })

  test('below the level is not written', () => {
    const lines: string[] = []
    const log = createLog({ level: 'warn', sink: { write: (line) => lines.push(line) } })
    log.info('quiet')
    log.warn('loud')
    assert.equal(lines.length, 1)
  })

  test('goes to a file that only its owner can read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyrealm-log-'))
    const file = join(folder, 'realm.log')
    createLog({ level: 'info', file }).info('link.connected')
    assert.match(readFileSync(file, 'utf8'), /"event":"link.connected"/)
    assert.equal(statSync(file).mode & 0o077, 0)
    rmSync(folder, { recursive: true })
  })
})

describe('what may stand in a log line', () => {
  test('identifiers, addresses, paths and sentences stay readable', () => {
    const { log, last } = aLog()
    const fields = {
      keyUri: 'kms://kms.acme.example/keys/6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69',
      deviceUrl: 'https://wdm.example:8443/wdm/api/v1/devices/5b1cf1c1-0000-4000-8000-1f2d3c4b5a69',
      host: 'exact.example.test',
      trackingId: 'webex-js-sdk_6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69_12',
      file: '/var/lib/keyrealm/acme/with/a/very/long/path/realm.sqlite',
      sentence: 'The line to the core was closed (1006); the next try is in 4.2 s.',
    }
    log.info('link.closed', fields)
    const { level: _level, time: _time, event: _event, ...printed } = Object(last())
    assert.deepEqual(printed, fields)
  })

  test('values of unknown types are unprintable', () => {
    const { log, last } = aLog()
    class Loud {
      toJSON = () => 'hunter2'
      toString = () => 'hunter2'
    }
    const fields = {
      bytes: Buffer.from('hunter2'),
      object: { inner: 'hunter2' },
      list: ['hunter2'],
      loud: new Loud(),
      call: () => 'hunter2',
      symbol: Symbol('hunter2'),
      big: 7n,
      notANumber: Number.NaN,
      get getter() {
        return 'hunter2'
      },
    }
    force(log, fields)
    for (const name of Object.keys(fields))
      assert.equal(Object(last())[name], '[unprintable]', name)
  })

  test('fields named like secrets are refused whatever they hold', () => {
    const { log, last } = aLog()
    const names = [
      'bearer',
      'authorization',
      'jwk',
      'k',
      'd',
      'Password',
      'passphrase',
      'accessToken',
    ]
    log.info('planted', Object.fromEntries(names.map((name) => [name, 'x'])))
    for (const name of names) assert.equal(Object(last())[name], '[refused]', name)
  })

  test('fields cannot replace what the log writes itself', () => {
    const { log, last } = aLog()
    log.info('true.event', { level: 'fatal', event: 'false.event', time: 'never' })
    assert.equal(Object(last()).event, 'true.event')
    assert.equal(Object(last()).level, '[refused]')
  })

  test('tokens, keys and credentials inside text are masked', () => {
    const { log, lines } = aLog()
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'
    const planted = [
      `got ${jwt}.`,
      `got eyJhbGciOiJkaXIi`,
      'Authorization: Bearer mF_9.B5f-4.1JqM',
      '{"kty":"oct","k":"c2hvcnQ","kid":"x"}',
      '{\\"k\\":\\"c2hvcnQ\\"}',
      'postgres://keys:c2hvcnQ@db/realm',
      '-----BEGIN PRIVATE KEY-----\nc2hvcnQ\n-----END PRIVATE KEY-----',
    ]
    for (const text of planted) log.info(text, { text })
    const all = lines.join('')
    for (const word of ['eyJ', 'mF_9', 'c2hvcnQ']) assert.ok(!all.includes(word), word)
    assert.match(lines[0] ?? '', /got \[masked\]/)
  })

  test('long hostile text takes no long time', () => {
    const { log } = aLog()
    const began = performance.now()
    for (const piece of ['a', 'a.', '"k":', '//', '+', '-----BEGIN ', 'Bearer ', '{', ' ']) {
      log.info('hostile', { text: piece.repeat(200_000) })
    }
    assert.ok(performance.now() - began < 2000)
  })
})

describe('errors in the log', () => {
  test('show class, code, cause and places, never their message', () => {
    const { log, last, lines } = aLog()
    const quoting = new SyntaxError(
      'Unexpected token in "hunter2"\n    at hunter2 (file:///hunter2:1:1)',
    )
    log.error('store.failed', {}, new Fault('store.wrap-broken', quoting))
    const { error } = Object(last())
    assert.equal(error.name, 'Fault')
    assert.equal(error.code, 'store.wrap-broken')
    assert.deepEqual(error.cause, { name: 'SyntaxError' })
    assert.match(error.frames[0], /log\.test\.ts:\d+:\d+$/)
    log.error('store.failed', {}, quoting)
    assert.ok(!lines.join('').includes('hunter2'))
  })

  test('that are no errors are unprintable', () => {
    const { log, last } = aLog()
    log.error('store.failed', {}, 'hunter2')
    assert.deepEqual(Object(last()).error, { name: '[unprintable]' })
  })
})

describe('a planted secret', () => {
  const secret = fc.uint8Array({ minLength: 32, maxLength: 64 })

  /** Every way in which key bytes are usually written down. */
  const spellings = (bytes: Uint8Array): readonly string[] => [
    base64url(bytes),
    Buffer.from(bytes).toString('hex'),
    Buffer.from(bytes.subarray(0, 32)).toString('base64'),
  ]

  test('never appears in the output, however it gets into a field, an event or an error', () => {
    fc.assert(
      fc.property(secret, fc.string({ maxLength: 8 }), fc.nat(9), (bytes, around, way) => {
        const { log, lines } = aLog()
        for (const text of spellings(bytes)) {
          plant(log, { bytes, text: `${around} ${text} ${around}` }, way)
          plant(log, { bytes, text }, way)
        }
        const printed = lines.join('')
        for (const text of spellings(bytes)) assert.ok(!printed.includes(text.slice(0, 20)))
        assert.ok(!printed.includes(`${[...bytes]}`))
      }),
    )
  })

  const plant = (log: Log, { bytes, text }: { bytes: Uint8Array; text: string }, way: number) => {
    const jwe = `${base64url(Buffer.from('{"alg":"dir"}'))}..${base64url(bytes)}.YQ.YQ`
    const ways = [
      () => log.info('planted', { text }),
      () => log.info(text),
      () => log.with({ text }).info('planted'),
      () => force(log, { bytes }),
      () => force(log, { [text]: 1 }),
      () => force(log, { nested: { text, bytes } }),
      () => log.error('planted', {}, new Error(text)),
      () => log.error('planted', {}, new Fault('a.b', new TypeError(`\n    at ${text}`))),
      () => log.error('planted', {}, Object.assign(new Error('x'), { code: text, name: text })),
      () => log.info('planted', { text: jwe }),
    ]
    ways[way]?.()
  }
})
