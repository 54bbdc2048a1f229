import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRenderer, type LayoutName } from '../../../../src/audit/index.ts'
import { aDoingOfTheRealm, anEntry, PSEUDONYM, TIME } from './entries.ts'
import { hdsPairs, parseCef, parseHds, parseSyslog } from './read-back.ts'

const syslog = { facility: 13, structuredDataId: 'keyrealm@32473' }
const message = (layout: LayoutName) => createRenderer({ layout, version: '1.2.3', syslog })
const line = (layout: LayoutName) => createRenderer({ layout, version: '1.2.3' })

describe('a syslog message', () => {
  test('says who, when and what in its header, and which entry in its structured data', () => {
    const { message: text, ...rest } = parseSyslog(message('json')(anEntry()))
    assert.deepEqual(rest, {
      priority: 13 * 8 + 6,
      time: TIME,
      host: 'node-1.example',
      app: 'keyrealm',
      messageId: 'key.released',
      dataId: 'keyrealm@32473',
      data: { sequence: '7', realm: 'acme' },
    })
    assert.equal(text, anEntry().body)
  })

  test('is a warning when something was refused, and an error when it failed', () => {
    const severity = (outcome: 'refused' | 'failed') =>
      parseSyslog(message('json')(anEntry({ outcome }))).priority % 8
    assert.equal(severity('refused'), 4)
    assert.equal(severity('failed'), 3)
  })

  test('is made of what cannot be read too, with nothing where nothing is known', () => {
    const { time, host, messageId, data } = parseSyslog(message('hds')({ sequence: 9, body: '?' }))
    assert.deepEqual([time, host, messageId], ['-', '-', '-'])
    assert.deepEqual(data, { sequence: '9', realm: '' })
  })
})

describe('the layout json', () => {
  test('is the canonical entry; in a file its number stands beside it', () => {
    const entry = anEntry()
    const parsed = JSON.parse(line('json')(entry))
    assert.deepEqual(parsed, { entry: JSON.parse(entry.body), sequence: 7 })
    assert.ok(line('json')(entry).includes(entry.body))
  })
})

describe('the layout cef', () => {
  test('names the program, the action and how grave it is', () => {
    const { header } = parseCef(line('cef')(anEntry({ outcome: 'refused' })))
    const expected = ['0', 'Keyrealm', 'Realm', '1.2.3', 'key.released', 'key released', '6']
    assert.deepEqual(header, expected)
  })

  test('says what the entry says', () => {
    const { extension } = parseCef(line('cef')(anEntry({ onBehalfOf: 'another' })))
    assert.deepEqual(Object.fromEntries(extension), {
      rt: '1767225600123',
      externalId: '7',
      dvchost: 'node-1.example',
      deviceExternalId: 'acme',
      act: 'key.released',
      cat: 'KEY',
      outcome: 'done',
      suid: PSEUDONYM,
      spriv: 'person',
      requestMethod: 'retrieve',
      request: '/keys/1',
      requestClientApplication: 'https://core.example/devices/1',
      cs1: 'kms://kms.acme.example/ecdhe/1',
      cs1Label: 'session',
      cs2: 'request-1',
      cs2Label: 'requestId',
      cs3: 'client_1_2',
      cs3Label: 'trackingId',
      cs4: 'another',
      cs4Label: 'onBehalfOf',
      cs5: 'kms://kms.acme.example/keys/1 kms://kms.acme.example/keys/2',
      cs5Label: 'keys',
      cn1: '3',
      cn1Label: 'durationMs',
      cn2: '120',
      cn2Label: 'sizeBytes',
    })
  })

  test('escapes bars in the header, equals signs in the extension, backslashes and line ends', () => {
    const hostile = 'a|b\\c=d\ne\rf\u2028g cs1=forged'
    const text = line('cef')(anEntry({ action: 'a|b\\c', trackingId: hostile }))
    const { header, extension } = parseCef(text)
    assert.equal(header[4], 'a|b\\c')
    assert.equal(extension.get('cs3'), 'a|b\\c=d\ne\rf g cs1=forged')
    assert.equal(extension.get('cs1'), 'kms://kms.acme.example/ecdhe/1')
  })
})

describe('the layout hds', () => {
  test('is read by the pattern of existing parsers', () => {
    const text = message('hds')(anEntry())
    assert.deepEqual(
      { ...parseHds(text) },
      {
        tag: 'REQUEST',
        method: 'retrieve',
        type: 'KEY',
        uri: '/keys/1',
        userId: PSEUDONYM,
        ecdheKid: 'kms://kms.acme.example/ecdhe/1',
      },
    )
  })

  test('says null for whom nobody knows, and the five fields always', () => {
    const found = parseHds(line('hds')(anEntry({ actor: { kind: 'unknown' }, type: 'MESSAGE' })))
    assert.equal(found?.['userId'], 'null')
    const own = parseHds(line('hds')(aDoingOfTheRealm))
    assert.deepEqual(
      { ...own },
      {
        tag: 'EVENT',
        method: 'null',
        type: 'MAIN_KEY',
        uri: 'null',
        userId: 'null',
        ecdheKid: 'null',
      },
    )
  })

  test('begins with its time in a file', () => {
    assert.ok(line('hds')(anEntry()).startsWith(`${TIME} INFO KMS - [KMS:REQUEST] received, `))
  })

  test('lets nobody write a pair into the line of another', () => {
    const hostile = 'x, userId: admin\n[KMS:REQUEST] received, method: forged %'
    const pairs = hdsPairs(message('hds')(anEntry({ trackingId: hostile })))
    assert.deepEqual(
      pairs.filter(([label]) => label === 'userId').map(([, value]) => value),
      [PSEUDONYM],
    )
    const told = pairs.find(([label]) => label === 'trackingId')?.[1] ?? ''
    assert.equal(decodeURIComponent(told), hostile)
  })
})
