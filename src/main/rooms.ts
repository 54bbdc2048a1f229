// What the realm does about rooms besides answering: it compares rosters, counts what is stale, and tells the
// core who left until the core has understood.

import type { OffboardedFrame, RostersFrame } from '../boundary/index.ts'
import { systemRandom } from '../crypto/index.ts'
import { parseUserId } from '../id.ts'
import { acknowledgeOffBoarding, createRosters, pendingOffBoardings } from '../kms/index.ts'
import { urisOf } from '../protocol/index.ts'
import type { Job, Log, Metrics } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import type { Realm } from './assembly.ts'

/** An operation is over on both sides by then, or withdrawn. */
const SETTLE_FOR = seconds(30)
const TELL_EVERY = seconds(5)
const COUNT_EVERY = seconds(30)
/** People told of in one turn. */
const TOLD_AT_ONCE = 20

/** The core's side of the line, as far as rooms need it. */
export interface RoomLine {
  isUp(): boolean
  tell(frame: OffboardedFrame): void
}

export interface Rooms {
  takeRosters(page: RostersFrame): Promise<void>
  acknowledge(userId: string): Promise<void>
  /** The line is gone, and with it the rest of the pages. */
  lineLost(): void
  readonly jobs: readonly Job[]
}

const createGauges = (metrics: Metrics) => ({
  stale: metrics.gauge({
    room: 'kms',
    thing: 'stale_resources',
    unit: 'count',
    help: 'Resources whose newest key is held by somebody who may read no more.',
  }),
  drifts: metrics.gauge({
    room: 'kms',
    thing: 'roster_drifts',
    unit: 'count',
    help: 'Differences between rosters of the cloud and authorizations that stand.',
  }),
})

const countJob = ({ store }: Realm, metrics: Metrics): Job => {
  const gauges = createGauges(metrics)
  return {
    name: 'count-rooms',
    interval: COUNT_EVERY,
    run: async () => {
      const { stale, drifts } = await store.read(async (tx) => ({
        stale: await tx.resources.countStale(),
        drifts: await tx.rosters.countDrifts(),
      }))
      gauges.stale.set({}, stale)
      gauges.drifts.set({}, drifts)
    },
  }
}

const tellJob = ({ store, ledger }: Realm, line: RoomLine): Job => ({
  name: 'tell-off-boardings',
  interval: TELL_EVERY,
  run: async () => {
    const pending = await pendingOffBoardings(store, ledger, TOLD_AT_ONCE)
    if (!line.isUp()) return
    for (const { offBoarding, resourceUris } of pending) {
      line.tell({ type: 'off-boarded', userId: offBoarding.userId, resourceUris })
    }
  },
})

export const joinRooms = (realm: Realm, line: RoomLine, log: Log, metrics: Metrics): Rooms => {
  const { store, ledger, now, kms } = realm
  const uris = urisOf(kms.domain)
  const rosters = createRosters({
    ...{ store, ledger, uris, now },
    random: systemRandom,
    settleFor: SETTLE_FOR,
  })
  return {
    async takeRosters(page) {
      const result = await rosters.take(page)
      if (result === undefined) return
      if (result === 'too-many-rooms') return log.error('rosters.too-many-rooms')
      const { standing, began, unlisted } = result
      if (standing + began + unlisted > 0) log.warn('rosters.drift', { ...result })
    },
    async acknowledge(raw) {
      const userId = parseUserId(raw)
      if (userId !== undefined) await acknowledgeOffBoarding(ledger, userId)
    },
    lineLost: () => rosters.forget(),
    jobs: [countJob(realm, metrics), tellJob(realm, line)],
  }
}
