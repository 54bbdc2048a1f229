// Other organisations in the settings: off until a way to them is named, and then as open as what proves them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseSettings, SettingsError } from '../../../src/config/index.ts'
import { aSettingsValue, changed } from './example.ts'

const CARRIER = {
  certificateFile: 'peer.pem',
  keyFile: 'peer.key',
  trustFolder: 'trust',
  crlFolder: 'crl',
}

const federationOf = (carrier: object) =>
  parseSettings(changed(aSettingsValue(), ['federation', 'carrier'], carrier), '/r.json').federation

const problemsOf = (carrier: object): readonly string[] => {
  try {
    federationOf(carrier)
  } catch (error) {
    assert.ok(error instanceof SettingsError)
    return error.problems.map(({ path, problem }) => `${path}: ${problem}`)
  }
  assert.fail('the settings were accepted')
}

describe('federation in the settings', () => {
  test('is off unless a way to peers is named', () => {
    assert.equal(parseSettings(aSettingsValue(), '/r.json').federation.carrier, undefined)
  })

  test('is open, through the core, and believes nothing old, once it is', () => {
    const { carrier, ...policy } = federationOf(CARRIER)
    assert.deepEqual(policy, {
      mode: 'open',
      listed: [],
      claims: 'open',
      authorizationFreshForSeconds: 5,
      offlineGraceForSeconds: 0,
    })
    assert.deepEqual(
      [carrier?.relay, carrier?.requireCrl, carrier?.listen, carrier?.direct, carrier?.tls],
      [true, true, undefined, [], { requirePostQuantum: false }],
    )
  })

  test('names the folder of revocation lists, or says that none is asked for', () => {
    const { crlFolder: _, ...without } = CARRIER
    assert.deepEqual(problemsOf(without), [
      'federation.carrier.crlFolder: is required unless federation.carrier.requireCrl is false',
    ])
    assert.equal(federationOf({ ...without, requireCrl: false }).carrier?.requireCrl, false)
  })

  test('lets what a home said count for a second at least, or nothing could be read', () => {
    const of = (value: number) =>
      parseSettings(
        changed(aSettingsValue(), ['federation', 'authorizationFreshForSeconds'], value),
        '/r.json',
      )
    assert.equal(of(1).federation.authorizationFreshForSeconds, 1)
    assert.throws(() => of(0), SettingsError)
  })

  test('names one address of a peer, and some way to any', () => {
    const direct = { domain: 'kms.globex.example', host: '10.0.0.1', port: 7000 }
    assert.deepEqual(problemsOf({ ...CARRIER, direct: [direct, direct] }), [
      'federation.carrier.direct.1.domain: is used twice',
    ])
    assert.deepEqual(problemsOf({ ...CARRIER, relay: false }), [
      'federation.carrier.relay: is the only way to peers unless direct or listen is set',
    ])
    assert.equal(federationOf({ ...CARRIER, relay: false, direct: [direct] }).carrier?.relay, false)
  })
})
