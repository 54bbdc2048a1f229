// Laws of the protocol's readers: any text gives a value or a Refusal of the closed list, never an exception;
// what is read means one thing only.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  isUnparsed,
  parseRequest,
  parseStrictJson,
  parseTarget,
  printRefusal,
  printResponse,
  urisOf,
  VERDICTS,
} from '../../src/protocol/index.ts'
import { parseAuthId, parseKeyUri, parseResourceUri } from '../../src/protocol/uri.ts'
import { isRefusal } from '../../src/refusal.ts'

const uris = urisOf('kms.acme.example')
const uuid = fc.uuid().map((id) => id.toLowerCase())
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string(),
)

/** Whole URIs, and URIs with pieces missing, doubled or foreign. */
const almostUri = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'kms://',
        'KMS://',
        'kms.acme.example',
        'kms.globex.example',
        '/',
        '?',
        '#',
        '%',
        ':443',
        '@',
      ),
      fc.constantFrom(
        'keys',
        'resources',
        'authorizations',
        'ecdhe',
        'ping',
        'cmk',
        'authId=',
        '..',
        '__proto__',
        'default',
      ),
      uuid,
      anyText,
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''))
const anyUri = fc.oneof(almostUri, anyText, fc.jsonValue())

const names = [
  'requestId',
  'method',
  'uri',
  'client',
  'clientId',
  'credential',
  'bearer',
  'userId',
  'onBehalfOf',
  'count',
  'jwk',
  'resourceUri',
  'keyUris',
  'userIds',
  'authIds',
  'anonymous',
  'ttl',
  'roleUri',
  'boundAfter',
  '__proto__',
  'constructor',
  'toString',
]
const anyJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.oneof(
      fc.jsonValue({ maxDepth: 0 }),
      fc.double(),
      fc.constantFrom('create', 'update', 'retrieve', 'delete'),
      uuid,
      almostUri,
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...names), anyText), tie('value'), {
      maxKeys: 6,
      noNullPrototype: true,
    }),
  ),
})).value

/** Requests that are right but for what was put in place of some members. */
const almostRequest = fc
  .record(
    {
      requestId: fc.oneof(anyText, anyJson),
      method: fc.constantFrom('create', 'retrieve', 'update', 'delete'),
      uri: fc.oneof(
        fc.constantFrom(
          '/ping',
          '/keys',
          '/resources',
          '/authorizations',
          '/ecdhe',
          '/cmk',
          'default',
        ),
        fc
          .tuple(
            fc.constantFrom('keys', 'resources', 'authorizations', 'ecdhe'),
            uuid,
            fc.constantFrom('', '/keys', '/authorizations', '/authorizations?authId=x'),
          )
          .map(([collection, id, sub]) => `/${collection}/${id}${sub}`),
      ),
      client: fc.oneof(
        fc.record(
          {
            clientId: fc.oneof(anyText, anyJson),
            credential: fc.record(
              { bearer: fc.oneof(anyText, anyJson), onBehalfOf: fc.oneof(uuid, anyJson) },
              { requiredKeys: [] },
            ),
          },
          { requiredKeys: [] },
        ),
        anyJson,
      ),
    },
    { requiredKeys: ['method', 'uri'] },
  )
  .chain((request) =>
    fc
      .dictionary(
        fc.constantFrom(...names),
        fc.oneof(anyJson, fc.array(fc.oneof(uuid, almostUri))),
        { maxKeys: 4 },
      )
      .map((more) => ({ ...more, ...request })),
  )

const isListed = (code: string): boolean => Object.hasOwn(VERDICTS, code)
const valueOrRefusal = (value: unknown): void => {
  if (isRefusal(value)) assert.ok(isListed(value.refused))
}

describe('reading a request', () => {
  it('gives a request or a Refusal for any JSON value whatever', () => {
    fc.assert(
      fc.property(fc.oneof(anyJson, almostRequest), (raw) => {
        const parsed = parseRequest(raw, uris)
        if (isUnparsed(parsed)) assert.ok(isListed(parsed.refusal.refused))
        else assert.ok(parsed.operation.name.length > 0)
      }),
      { numRuns: 2000 },
    )
  })

  it('answers the same whether the value came as such or through its text', () => {
    fc.assert(
      fc.property(almostRequest, (raw) => {
        const text = JSON.stringify(raw)
        const json = parseStrictJson(text)
        if (isRefusal(json)) return
        assert.deepEqual(parseRequest(json.value, uris), parseRequest(JSON.parse(text), uris))
      }),
    )
  })

  it('never lets a request through whose counts are not whole numbers in range', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer(), anyJson), (count) => {
        const raw = { requestId: 'r', method: 'create', uri: '/keys', client: {}, count }
        const parsed = parseRequest(raw, uris)
        const isRight =
          typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= 1000
        assert.equal(!isUnparsed(parsed), isRight)
      }),
    )
  })
})

describe('strict JSON', () => {
  it('gives a value or a Refusal for any text whatever', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.json(),
          fc
            .array(
              fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '1', 'a', ' ', '\\u0061'),
              { maxLength: 30 },
            )
            .map((pieces) => pieces.join('')),
        ),
        (text) => {
          valueOrRefusal(parseStrictJson(text))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('reads what JSON.parse reads, unless a member stands twice or it is too deep', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        assert.deepEqual(parseStrictJson(text), { value: JSON.parse(text) })
      }),
    )
  })

  it('finds a member that stands twice, wherever it is and however it is spelt', () => {
    const escaped = (name: string): string =>
      Array.from(
        { length: name.length },
        (_, index) => `\\u${name.charCodeAt(index).toString(16).padStart(4, '0')}`,
      ).join('')
    fc.assert(
      fc.property(
        anyText,
        fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }),
        fc.nat(8),
        (name, between, depth) => {
          const middle = between
            .map((value, index) => `"${index} ${escaped(name)}":${JSON.stringify(value)},`)
            .join('')
          const object = `{${JSON.stringify(name)}:1,${middle}"${escaped(name)}":2}`
          const text = `${'[{"x":'.repeat(depth % 5)}${object}${'}]'.repeat(depth % 5)}`
          assert.deepEqual(parseStrictJson(text), { refused: 'request.duplicate-member' })
        },
      ),
    )
  })
})

describe('URIs', () => {
  it('give a target or a Refusal for anything whatever', () => {
    fc.assert(
      fc.property(anyUri, (raw) => {
        for (const parse of [parseTarget, parseKeyUri, parseResourceUri, parseAuthId]) {
          valueOrRefusal(parse(raw, uris))
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('are printed so that they read as the same object again, and in one spelling', () => {
    fc.assert(
      fc.property(almostUri, (raw) => {
        const target = parseTarget(raw, uris)
        if (isRefusal(target) || !('uri' in target)) return
        assert.match(
          target.uri,
          /^kms:\/\/kms\.acme\.example\/(keys|resources|authorizations|ecdhe)\/[0-9a-f-]{36}$/,
        )
        const again = parseTarget(target.uri, uris)
        assert.ok(!isRefusal(again) && 'uri' in again)
        assert.equal(again.uri, target.uri)
      }),
    )
  })
})

describe('answers', () => {
  it('print and read back the requestId verbatim, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (requestId) => {
        assert.equal(JSON.parse(printResponse({ status: 200, requestId })).requestId, requestId)
        const refusal = printRefusal(VERDICTS['request.invalid'], requestId)
        assert.equal(JSON.parse(refusal).requestId, requestId)
      }),
    )
  })
})
