// What peers are asked, as a monitor sees it: by outcome, and by peer where the settings name it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../../src/id.ts'
import type { Told } from '../../../src/kms/index.ts'
import { watchQuestions } from '../../../src/main/federation.ts'
import { urisOf } from '../../../src/protocol/index.ts'
import { refuse } from '../../../src/refusal.ts'
import { createMetrics } from '../../../src/runtime/index.ts'
import { instant } from '../../../src/time.ts'
import { ACME, GLOBEX } from '../../support/peer-world.ts'

const told = (domain: string, result: Told['result']): Told => ({
  ask: {
    domain,
    userId: '11111111-1111-4111-8111-111111111111' as UserId,
    operation: {
      name: 'retrieve-key',
      uri: urisOf(domain).key('22222222-2222-4222-8222-222222222222'),
    },
  },
  askedAt: instant(1000),
  result,
})

test('a question is counted by what came of it, under the peer if the settings name it, else as other', async () => {
  const metrics = createMetrics({ process: 'ignored' })
  const watch = watchQuestions({ listed: [GLOBEX] }, metrics)
  const granted = { status: 200, keys: [], members: {} }
  watch(told(GLOBEX, granted), instant(1200))
  watch(told(GLOBEX, refuse('federation.denied-by-home')), instant(1200))
  watch(told(GLOBEX, refuse('federation.not-pinned-at-home')), instant(1200))
  watch(told(GLOBEX, refuse('federation.peer-timed-out')), instant(1200))
  watch(told(ACME, granted), instant(1200))
  const { body } = await metrics.text()
  const counted = [...body.matchAll(/questions_seconds_count\{(.*)\} (\d+)/g)].map(
    ([, labels, count]) => `${labels} ${count}`,
  )
  assert.deepEqual(counted.toSorted(), [
    `peer="${GLOBEX}",outcome="denied" 2`,
    `peer="${GLOBEX}",outcome="granted" 1`,
    `peer="${GLOBEX}",outcome="no-answer" 1`,
    'peer="other",outcome="granted" 1',
  ])
})
