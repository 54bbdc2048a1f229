import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  FAULT_VERDICT,
  printRefusal,
  printResponse,
  VERDICTS,
  verdictOf,
} from '../../../src/protocol/index.ts'
import { refuse } from '../../../src/refusal.ts'

const rows = Object.entries(VERDICTS)
const statusOf = (prefix: string) =>
  new Set(rows.filter(([code]) => code.startsWith(prefix)).map(([, { status }]) => status))

describe('what a caller is told', () => {
  test('is a failure, with a reason in words, for every code', () => {
    for (const [code, { status, reason }] of rows) {
      assert.ok(Number.isInteger(status) && status >= 400 && status <= 599, code)
      assert.match(reason, /^[A-Z][\x20-\x7e]{10,}$/, code)
    }
  })

  test('never names a code of ours', () => {
    for (const [code, { reason }] of rows) assert.equal(reason.includes(code), false)
  })

  test('is the same for what is not there and what is not theirs', () => {
    const told = VERDICTS['kms.not-authorized']
    assert.equal(told.status, 403)
    for (const code of [
      'kms.unknown-key',
      'kms.unknown-resource',
      'kms.unknown-authorization',
      'kms.unknown-session',
      'kms.not-key-creator',
    ] as const) {
      assert.deepEqual(VERDICTS[code], told)
    }
  })

  test('is the same for every token that is no good, in the words that real clients look for', () => {
    const told = VERDICTS['identity.token-expired']
    assert.deepEqual(told, {
      status: 403,
      reason: 'Failed to resolve authorization token in KmsMessage request for user',
    })
    const bad = [
      'token-missing',
      'token-malformed',
      'token-untrusted',
      'wrong-issuer',
      'wrong-audience',
      'wrong-scope',
      'invalid-subject',
      'other-user',
      'bearer-withdrawn',
    ] as const
    for (const code of bad) assert.deepEqual(VERDICTS[`identity.${code}`], told)
  })

  test('is one thing whatever a channel failed at', () => {
    const opened = rows.filter(
      ([code]) => code.startsWith('channel.') && code !== 'channel.overloaded',
    )
    assert.deepEqual(new Set(opened.map(([, { reason }]) => reason)).size, 1)
    assert.deepEqual(statusOf('channel.'), new Set([499, 429]))
  })

  test('of a bad URI is worded as real clients know it', () => {
    assert.equal(VERDICTS['request.invalid-uri'].reason, 'Invalid URI in KmsMessage request.')
  })
})

describe('printing', () => {
  test('puts status and requestId before everything else', () => {
    const text = printResponse({ status: 200, requestId: 'r', members: { key: { uri: 'x' } } })
    assert.equal(text, '{"status":200,"requestId":"r","key":{"uri":"x"}}')
  })

  test('leaves out a requestId that could not be read', () => {
    const verdict = verdictOf(refuse('request.not-json', 'a detail for the log'))
    assert.equal(
      printRefusal(verdict, undefined),
      '{"status":400,"reason":"The request is not JSON"}',
    )
    assert.equal(
      printRefusal(FAULT_VERDICT, 'r'),
      '{"status":500,"reason":"Internal error","requestId":"r"}',
    )
  })
})
