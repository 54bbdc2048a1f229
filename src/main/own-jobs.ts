// What a realm does of itself every few seconds: sweep what has expired, follow its keys, publish its log.

import { systemRandom } from '../crypto/index.ts'
import { renewKeyEncryptionKeys, sweep, sweepOperations } from '../kms/index.ts'
import type { Job, Log, Metrics } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import type { Realm } from './assembly.ts'
import type { JoinedCorridor } from './corridor.ts'
import { publishJob } from './published-log.ts'

const STATIC_KEYS_EVERY = seconds(5)
const KEYS_EVERY = seconds(60)
/** How long the core may ask again how an operation ended. */
const OPERATIONS_KEPT = seconds(30 * 24 * 3600)

const sweepJob = (realm: Realm, joined: JoinedCorridor): Job => ({
  name: 'sweep',
  interval: seconds(realm.settings.sweep.everySeconds),
  run: async (stopping) => {
    const { batchSize } = realm.settings.sweep
    const most = () => sweep(realm.ledger, joined.channels, realm.kms.sessionGrace, batchSize)
    let swept = await most()
    while (!stopping.aborted && Object.values(swept).some((count) => count >= batchSize)) {
      swept = await most()
    }
  },
})

const sweepOperationsJob = ({ ledger, settings }: Realm): Job => ({
  name: 'sweep-operations',
  interval: seconds(settings.sweep.everySeconds),
  run: async (stopping) => {
    const { batchSize } = settings.sweep
    const most = () => sweepOperations(ledger, OPERATIONS_KEPT, batchSize)
    let swept = await most()
    while (!stopping.aborted && swept >= batchSize) swept = await most()
  },
})

const followStaticKeysJob = ({ staticKeys }: JoinedCorridor, announce: () => void): Job => ({
  name: 'static-keys',
  interval: STATIC_KEYS_EVERY,
  run: async () => {
    if (await staticKeys.reload()) announce()
  },
})

const renewKeysJob = ({ keyring, ledger }: Realm): Job => ({
  name: 'key-encryption-keys',
  interval: KEYS_EVERY,
  run: () => renewKeyEncryptionKeys(keyring, ledger, systemRandom),
})

interface OwnJobParts {
  readonly realm: Realm
  readonly joined: JoinedCorridor
  /** Tells the core what we are now. */
  readonly announce: () => void
}

/** Jobs that every realm has, whatever it is joined to. */
export const ownJobs = (
  { realm, joined, announce }: OwnJobParts,
  log: Log,
  metrics: Metrics,
): readonly Job[] => [
  sweepJob(realm, joined),
  sweepOperationsJob(realm),
  followStaticKeysJob(joined, announce),
  renewKeysJob(realm),
  publishJob(realm.log, log, metrics),
]
