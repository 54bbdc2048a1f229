// Whatever goes wrong with a peer, the client is told in a sealed answer with a status of its own, and the realm that noticed has an
// entry with the code. Each code here is somebody's to act on; which test makes it happen in earnest stands beside it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, beforeEach, describe, test } from 'node:test'
import { verdictOf } from '../../src/protocol/index.ts'
import type { RefusalCode } from '../../src/refusal.ts'
import { seconds } from '../../src/time.ts'
import type { Device } from '../support/device.ts'
import { TwoRealms } from '../support/two-realms.ts'
import { aRoom, PEOPLE } from '../support/world.ts'

let realms: TwoRealms
let alice: Device
let gina: Device
before(async () => {
  realms = await TwoRealms.open()
  alice = await realms.acme.signedIn('alice')
  gina = await realms.globex.signedIn('gina')
})
after(() => realms.close())
beforeEach(() => realms.heal())

const CERTIFICATES = 'attack/peers, unit/crypto/peer-certificate'
const WAY = 'attack/peers, unit/links/peer-link, system/federation-outages'

/** What the way to a peer may end in, and where it does in earnest. */
const ON_THE_WAY: readonly (readonly [RefusalCode, string])[] = [
  ['federation.unknown-host', 'system/federated'],
  ['federation.certificate-missing', CERTIFICATES],
  ['federation.certificate-unfit', CERTIFICATES],
  ['federation.certificate-name', CERTIFICATES],
  ['federation.certificate-not-yet-valid', CERTIFICATES],
  ['federation.certificate-expired', CERTIFICATES],
  ['federation.certificate-revoked', CERTIFICATES],
  ['federation.certificate-untrusted', CERTIFICATES],
  ['federation.issuer-may-issue-authorities', CERTIFICATES],
  ['federation.crl-stale', CERTIFICATES],
  ['federation.crl-missing', CERTIFICATES],
  ['federation.anchors-unusable', 'attack/peer-anchors'],
  ['federation.key-exchange-classical', CERTIFICATES],
  ['federation.peer-unreachable', WAY],
  ['federation.peer-timed-out', WAY],
  ['federation.peer-broken', WAY],
  ['federation.peer-busy', WAY],
  ['federation.refused-by-peer', WAY],
  ['federation.answer-too-large', WAY],
  ['federation.answer-malformed', WAY],
]

/** Decided above the line: here and in these files, by what peers really say. */
const DECIDED: Readonly<Partial<Record<RefusalCode, string>>> = {
  'federation.closed': 'hostile-peer',
  'federation.not-listed': 'hostile-peer',
  'federation.blocked': 'hostile-peer',
  'federation.not-forwarded': 'hostile-peer, federation',
  'federation.claim-conflict': 'hostile-peer',
  'federation.user-not-pinned': 'hostile-peer',
  'federation.denied-by-home': 'federation',
  'federation.not-pinned-at-home': 'hostile-peer',
  'federation.answer-wrong': 'hostile-peer',
  'federation.statement-wrong': 'federation-receipts',
}

describe('what went wrong on the way to a peer', () => {
  for (const [code, where] of ON_THE_WAY) {
    test(`${code} is told to the client, sealed, and recorded (in earnest: ${where})`, async () => {
      const { key, resource } = await aRoom(alice, [PEOPLE.gina])
      realms.onLine = async () => ({ refused: code })
      const { status } = verdictOf({ refused: code })
      assert.ok(status >= 400 && status < 600)
      await realms.globex.refused(await gina.ask('retrieve', key.uri), status, code)
      const added = { resourceUri: resource.uri, userIds: [PEOPLE.olivia] }
      const refused = await gina.ask('create', '/authorizations', added)
      await realms.globex.refused(refused, status, code)
    })
  }

  test('is told while the client still waits, though the peer answers for ever', async () => {
    const { key } = await aRoom(alice, [PEOPLE.gina])
    let withinMs = Number.POSITIVE_INFINITY
    realms.onLine = async ({ deadline, from }, deliver) => {
      withinMs = deadline - (from === 'kms.globex.example' ? realms.globex : realms.acme).now()
      realms.advance(seconds(withinMs / 1000 + 0.001))
      return await deliver()
    }
    const answer = await gina.ask('retrieve', key.uri)
    assert.ok(withinMs <= 5000, `${withinMs} ms of the six seconds`)
    await realms.globex.refused(answer, 504, 'federation.peer-timed-out')
  })
})

test('every code of federation that a client can meet is in one of these lists', () => {
  const source = readFileSync(new URL('../../src/refusal.ts', import.meta.url), 'utf8')
  const codes = [...source.matchAll(/'(federation\.[a-z-]+)'/g)].map(([, code]) => code ?? '')
  const met = new Set<string>([...ON_THE_WAY.map(([code]) => code), ...Object.keys(DECIDED)])
  // Told to peers alone, before anybody's question is read.
  const toPeers = ['federation.peer-floods', 'federation.question-malformed']
  assert.deepEqual(
    codes.filter((code) => !met.has(code)),
    toPeers,
  )
})
