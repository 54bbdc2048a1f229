// Who is turned away is recorded, and no flood of them fills the log.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Act } from '../../../src/audit/index.ts'
import {
  createTurnedAway,
  type PeerMeeting,
  parsePeerDomain,
} from '../../../src/federation/index.ts'
import { type RefusalCode, refuse } from '../../../src/refusal.ts'
import { instant } from '../../../src/time.ts'

const MINUTE_MS = 60_000
const CAME: PeerMeeting = { begunBy: 'peer', carrier: 'direct', address: '192.0.2.7' }

const open = () => {
  const acts: Act[] = []
  let at = 1_000_000
  const turnedAway = createTurnedAway({
    record: async (act) => void acts.push(act),
    now: () => instant(at),
  })
  const note = (code: RefusalCode, meeting: PeerMeeting = CAME) =>
    turnedAway.note(refuse(code), meeting)
  return {
    acts,
    turnedAway,
    note,
    pass: (ms: number) => {
      at += ms
    },
    times: () => acts.map(({ details }) => details?.['times']),
  }
}

describe('whoever is turned away', () => {
  test('leaves an entry at once that says why, where from and under which name', async () => {
    const { acts, note } = open()
    await note('federation.certificate-name', { ...CAME, certificateSha256: 'ab'.repeat(32) })
    const proven = parsePeerDomain('kms.globex.example')
    assert.ok(proven)
    await note('federation.not-listed', { begunBy: 'peer', carrier: 'relayed', proven })
    assert.deepEqual(acts, [
      {
        action: 'peer.refused',
        outcome: 'refused',
        actor: { kind: 'unknown' },
        type: 'MESSAGE',
        code: 'federation.certificate-name',
        details: { ...CAME, certificateSha256: 'ab'.repeat(32), times: 1 },
      },
      {
        action: 'peer.refused',
        outcome: 'refused',
        actor: { kind: 'peer', id: 'kms.globex.example' },
        type: 'MESSAGE',
        code: 'federation.not-listed',
        details: { begunBy: 'peer', carrier: 'relayed', times: 1 },
      },
    ])
  })

  test('again within a minute is counted, and the count is written when it is over', async () => {
    const { note, pass, times, turnedAway } = open()
    for (let n = 0; n < 1000; n += 1) await note('federation.certificate-expired')
    await turnedAway.flush()
    assert.deepEqual(times(), [1])
    pass(MINUTE_MS)
    await turnedAway.flush()
    assert.deepEqual(times(), [1, 999])
    pass(MINUTE_MS)
    await turnedAway.flush()
    await note('federation.certificate-expired')
    assert.deepEqual(times(), [1, 999, 1])
  })

  test('is counted to the end, whatever the window', async () => {
    const { note, times, turnedAway } = open()
    for (let n = 0; n < 3; n += 1) await note('federation.peer-floods')
    await turnedAway.end()
    await turnedAway.end()
    assert.deepEqual(times(), [1, 2])
  })

  test('is recorded anew after the clock was set back', async () => {
    const { note, pass, times } = open()
    await note('federation.crl-stale')
    pass(-10 * MINUTE_MS)
    await note('federation.crl-stale')
    assert.deepEqual(times(), [1, 1])
  })

  test('is told apart by name, address, side, carrier and code', async () => {
    const { note, times } = open()
    const relayed = { begunBy: 'peer', carrier: 'relayed', claimed: 'kms.globex.example' } as const
    await note('federation.crl-missing')
    await note('federation.crl-missing', { ...CAME, address: '192.0.2.8' })
    await note('federation.crl-missing', relayed)
    await note('federation.crl-missing', { ...relayed, begunBy: 'us' })
    await note('federation.certificate-missing', relayed)
    assert.deepEqual(times(), [1, 1, 1, 1, 1])
  })

  test('in whatever crowd leaves a bounded number of entries, and none is uncounted', async () => {
    const seed = Date.now()
    const codes: readonly RefusalCode[] = ['federation.peer-floods', 'federation.peer-broken']
    const knock = fc.record({
      code: fc.constantFrom(...codes),
      name: fc.nat({ max: 500 }),
      waitMs: fc.integer({ min: 0, max: 20 }),
    })
    const law = fc.asyncProperty(
      fc.array(knock, { minLength: 500, maxLength: 1500 }),
      async (all) => {
        const { acts, note, pass, turnedAway } = open()
        let passedMs = 0
        for (const { code, name, waitMs } of all) {
          await note(code, { begunBy: 'peer', carrier: 'relayed', claimed: `kms.${name}.example` })
          await turnedAway.flush()
          pass(waitMs)
          passedMs += waitMs
        }
        const minutes = Math.floor(passedMs / MINUTE_MS) + 1
        // Names told apart, and one crowd for each code.
        assert.ok(acts.length <= minutes * (64 + codes.length), `${acts.length} in ${minutes} min`)
        await turnedAway.end()
        const counted = acts.reduce((sum, { details }) => sum + Number(details?.['times']), 0)
        assert.equal(counted, all.length)
      },
    )
    await fc.assert(law, { seed, numRuns: 5 })
  })
})
