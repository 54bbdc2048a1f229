// Laws of the layouts: whatever an entry says, it is one line, and a parser of the public grammar reads it back.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createRenderer } from '../../src/audit/index.ts'
import { aDoingOfTheRealm, anEntry } from '../unit/audit/layouts/entries.ts'
import { hdsPairs, parseCef, parseHds, parseSyslog } from '../unit/audit/layouts/read-back.ts'

const LAYOUTS = ['json', 'cef', 'hds'] as const
const syslog = { facility: 13, structuredDataId: 'keyrealm@32473' }
const RAW_CONTROLS = /[\p{Cc}\u2028\u2029]/u

/** Anything, with the letters that mean something to one of the layouts far more often than by chance. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\n', '\r', '\\', '|', '=', '"', ']', '[', ',', ':', ' ', '%', '\0', '\u2028'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 60,
})
const acts = fc.record({
  trackingId: text,
  clientId: text,
  requestId: text,
  session: text,
  uri: text,
  method: text,
  code: text,
  action: text,
})

describe('every layout', () => {
  test('makes one line, however hostile the entry', () => {
    fc.assert(
      fc.property(acts, fc.constantFrom(...LAYOUTS), fc.boolean(), (act, layout, isSyslog) => {
        const render = createRenderer({ layout, version: '1', ...(isSyslog && { syslog }) })
        const line = render(anEntry(act))
        assert.ok(!/[\r\n]/.test(line))
        if (layout !== 'json') assert.ok(!RAW_CONTROLS.test(line))
      }),
    )
  })

  test('makes one line of any text at all in the place of an entry', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('cef', 'hds'),
        (body, layout) => {
          const line = createRenderer({ layout, version: '1', syslog })({ sequence: 1, body })
          assert.equal(parseSyslog(line).data['sequence'], '1')
        },
      ),
    )
  })
})

describe('what a layout wrote is read back', () => {
  test('syslog: the message and the number', () => {
    fc.assert(
      fc.property(acts, fc.integer({ min: 1 }), (act, sequence) => {
        const entry = anEntry(act, sequence)
        const { data, message } = parseSyslog(
          createRenderer({ layout: 'json', version: '1', syslog })(entry),
        )
        assert.deepEqual(data, { sequence: `${sequence}`, realm: 'acme' })
        assert.equal(message, entry.body)
      }),
    )
  })

  test('cef: every value, with controls but line ends as spaces', () => {
    fc.assert(
      fc.property(acts, (act) => {
        const { header, extension } = parseCef(
          createRenderer({ layout: 'cef', version: 'a|b\\' })(anEntry(act)),
        )
        const kept = (value: string) =>
          value.toWellFormed().replace(/[^\P{Cc}\r\n]|[\u2028\u2029]/gu, ' ')
        assert.equal(header[3], 'a|b\\')
        assert.equal(extension.get('requestClientApplication') ?? '', kept(act.clientId))
        assert.equal(extension.get('cs3') ?? '', kept(act.trackingId))
        assert.equal(extension.get('request') ?? '', kept(act.uri))
        assert.equal(extension.get('externalId'), '7')
      }),
    )
  })

  test('hds: every value, percent-decoded, and no pair that nobody wrote', () => {
    const labels = (line: string) => hdsPairs(line).map(([label]) => label)
    const plain = createRenderer({ layout: 'hds', version: '1' })
    const expected = labels(plain(anEntry({ code: 'x' })))
    fc.assert(
      fc.property(acts, (act) => {
        const line = plain(anEntry(act))
        assert.deepEqual(labels(line), expected)
        const told = new Map(hdsPairs(line))
        const value = (label: string) => decodeURIComponent(told.get(label) ?? '')
        assert.equal(value('trackingId'), act.trackingId.toWellFormed() || 'null')
        assert.equal(value('URI'), act.uri.toWellFormed() || 'null')
        const released = plain(anEntry({ ...act, action: 'key.released' }))
        assert.equal(parseHds(released)?.['tag'], 'REQUEST')
      }),
    )
    assert.equal(parseHds(plain(aDoingOfTheRealm))?.['tag'], 'EVENT')
  })
})
