import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseSettings, SettingsError } from '../../../src/config/index.ts'
import { aSettingsValue } from './example.ts'

const tls = { caFile: 'logs-ca.pem' }
const siem = { kind: 'syslog-tls', name: 'siem', host: 'logs.example', tls }
const tcp = { kind: 'syslog-tcp', name: 'siem', host: '127.0.0.1' }

const parsed = (...ship: readonly object[]) =>
  parseSettings({ ...aSettingsValue(), audit: { ship } }, '/etc/keyrealm/realm.json').audit.ship

const problems = (...ship: readonly object[]): readonly string[] => {
  try {
    parsed(...ship)
  } catch (error) {
    assert.ok(error instanceof SettingsError)
    return error.problems.map(({ path, problem }) => `${path}: ${problem}`)
  }
  assert.fail('the settings were accepted')
}

describe('where the log is shipped to', () => {
  test('is nowhere unless told', () => {
    assert.deepEqual(parsed(), [])
    assert.deepEqual(parseSettings(aSettingsValue(), '/r.json').audit.ship, [])
  })

  test('is filled in with defaults of each kind, paths absolute', () => {
    const [one, two] = parsed(siem, { kind: 'file', name: 'archive', file: 'logs/audit.log' })
    assert.deepEqual(one, {
      ...siem,
      port: 6514,
      layout: 'json',
      facility: 13,
      structuredDataId: 'keyrealm@32473',
      framing: 'octet-counting',
      alarmAfterSeconds: 60,
      confirmEverySeconds: 10,
      giveUpAfterSeconds: 300,
      tls: { caFile: '/etc/keyrealm/logs-ca.pem' },
    })
    assert.deepEqual(two, {
      kind: 'file',
      name: 'archive',
      file: '/etc/keyrealm/logs/audit.log',
      layout: 'json',
      alarmAfterSeconds: 60,
      flush: 'delivery',
      rotateAtBytes: 134_217_728,
      keepFiles: 30,
    })
  })

  test('refuses what it does not know, at every depth', () => {
    assert.deepEqual(problems({ ...siem, tls: { ...tls, verify: false }, retries: 3 }).toSorted(), [
      'audit.ship.0.retries: is not a setting',
      'audit.ship.0.tls.verify: is not a setting',
    ])
    assert.deepEqual(problems({ ...tcp, tls }), ['audit.ship.0.tls: is not a setting'])
  })

  test('leaves this machine in the clear only on purpose', () => {
    const remote = { ...tcp, host: 'logs.example' }
    const refusal = 'is not loopback; set allowPlaintext to send in the clear on purpose'
    assert.deepEqual(problems(remote), [`audit.ship.0.host: ${refusal}`])
    assert.deepEqual(problems({ ...remote, kind: 'syslog-udp' }), [`audit.ship.0.host: ${refusal}`])
    assert.equal(parsed({ ...remote, allowPlaintext: true }).length, 1)
  })

  test('has each name once, and both halves of an identity', () => {
    assert.deepEqual(problems(siem, { ...tcp }), ['audit.ship.1.name: is used twice'])
    assert.deepEqual(problems({ ...siem, tls: { ...tls, keyFile: 'k.pem' } }), [
      'audit.ship.0.tls: must name both certificateFile and keyFile, or neither',
    ])
  })

  test('is no alarm while everything is as it should be', () => {
    const hasty = { ...siem, confirmEverySeconds: 60, alarmAfterSeconds: 60 }
    assert.deepEqual(problems(hasty), [
      'audit.ship.0.alarmAfterSeconds: must be more than 3 s above confirmEverySeconds',
    ])
  })
})
