// The appliance's own ports: health and metrics, the admin API, the read-only log. Loopback unless the
// settings open them; the core is not among those who connect here.

import {
  servedCheckpoint,
  servedRotation,
  servedTile,
  servedWitnessed,
  TILE_WIDTH,
} from '../audit/index.ts'
import { readNamedFile, readSecret } from '../config/index.ts'
import { constantTimeEqual, systemRandom } from '../crypto/index.ts'
import {
  type AppOptions,
  adminRoutes,
  createAdminApp,
  createHealthApp,
  createListener,
  createLogApp,
  createRateLimit,
  type Listener,
  type ListenerOptions,
  type LogAppOptions,
  type PartState,
} from '../listeners/index.ts'
import { type Log, type Metrics, startStopwatch } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import { adminTokenFile } from './admin-token.ts'
import type { Appliance } from './appliance.ts'
import { type Realm, record } from './assembly.ts'
import type { OwnDigests } from './own-files.ts'
import { LAG_ALARM } from './published-log.ts'
import { recordReading } from './reading.ts'
import { VERSION } from './version.ts'

const BODY_MAX_BYTES = 64 * 1024
const PARTS_ANSWER_WITHIN = seconds(2)

/** Locked, nobody signs for the log; then it waits for the same person as the keys do. */
const logState = async (realm: Realm): Promise<PartState['state']> => {
  if (!realm.keyring.isUnlocked) return 'locked'
  const lag = await realm.log.lag().catch(() => undefined)
  return lag !== undefined && lag <= LAG_ALARM ? 'ok' : 'failed'
}

const readiness =
  ({ realm, line, shipping, witnessing }: Appliance) =>
  async (): Promise<readonly PartState[]> => {
    const isStoreUp = await realm.store.check().then(
      () => true,
      () => false,
    )
    return [
      { part: 'store', state: isStoreUp ? 'ok' : 'failed' },
      { part: 'link', state: line.isUp() ? 'ok' : 'failed' },
      { part: 'keys', state: realm.keyring.isUnlocked ? 'ok' : 'locked' },
      { part: 'log', state: await logState(realm) },
      { part: 'shipping', state: shipping.isAlarm() ? 'alarm' : 'ok' },
      { part: 'witnesses', state: witnessing.isAlarm() ? 'alarm' : 'ok' },
    ]
  }

const adminGate = (realm: Realm) => {
  const token = readSecret({ file: adminTokenFile(realm.settings) })
  return {
    isAdminToken: (presented: string) =>
      constantTimeEqual(new TextEncoder().encode(presented), token),
    recordRefused: () =>
      record(realm, {
        action: 'admin.refused',
        outcome: 'refused',
        code: 'http.unauthenticated',
        actor: { kind: 'unknown' },
        type: 'PROCESS',
      }),
  }
}

const tlsOf = ({ tls }: Realm['settings']['listeners']['admin']): Pick<ListenerOptions, 'tls'> => {
  if (tls === undefined) return {}
  const certificate = readNamedFile(tls.certificateFile)
  return { tls: { certificate, key: readSecret({ file: tls.keyFile }) } }
}

const serverLimits = ({ settings }: Realm): ListenerOptions['limits'] => {
  const { limits } = settings.listeners
  return {
    connections: limits.connections,
    connectionsPerRemote: limits.connectionsPerRemote,
    headersWithin: seconds(limits.headersWithinSeconds),
    requestWithin: seconds(limits.requestWithinSeconds),
    stopWithin: seconds(5),
  }
}

/** Each listener counts its own callers. */
const appOptionsFor = ({ settings }: Realm, log: Log) => {
  const { limits } = settings.listeners
  const stopwatch = startStopwatch()
  return (listener: string): AppOptions => ({
    listener,
    log,
    rate: createRateLimit({
      perSecond: limits.requestsPerSecondPerRemote,
      burst: limits.requestBurstPerRemote,
      elapsedSeconds: () => stopwatch.elapsedSeconds(),
    }),
    bodyMaxBytes: BODY_MAX_BYTES,
    newCorrelationId: () => systemRandom.uuid(),
  })
}

/** Hashes tell nothing about anybody; whoever takes entries leaves an entry. */
const readLog = (
  { store, ledger }: Realm,
  { auditEntries }: Appliance['actions'],
): Pick<LogAppOptions, 'entries' | 'checkpoint' | 'witnessed' | 'rotation' | 'tile'> => ({
  entries: auditEntries,
  checkpoint: async () => (await store.read(servedCheckpoint)) || undefined,
  witnessed: async () => (await store.read(servedWitnessed))?.note,
  rotation: (number) => store.read((tx) => servedRotation(tx, number)),
  tile: async (tile) => {
    const bytes = await store.read((tx) => servedTile(tx, tile))
    if (bytes !== undefined && tile.level === 'entries') {
      await recordReading(ledger, tile.index * TILE_WIDTH, tile.width)
    }
    return bytes === undefined ? undefined : new Uint8Array(bytes)
  },
})

export interface ListenerParts {
  readonly appliance: Appliance
  readonly log: Log
  readonly metrics: Metrics
  /** What runs, for whoever asks `/version`. */
  readonly digests: OwnDigests
}

export const createListeners = ({
  appliance,
  log,
  metrics,
  digests,
}: ListenerParts): readonly Listener[] => {
  const { realm, actions } = appliance
  const { health, admin, log: auditLog } = realm.settings.listeners
  const optionsOf = appOptionsFor(realm, log)
  const shared = { limits: serverLimits(realm), log }
  const healthApp = createHealthApp({
    ...optionsOf('health'),
    metrics,
    parts: readiness(appliance),
    version: { version: VERSION, runtime: process.version, ...digests },
    answerWithin: PARTS_ANSWER_WITHIN,
  })
  const adminApp = createAdminApp({
    ...optionsOf('admin'),
    gate: adminGate(realm),
    routes: adminRoutes(actions),
  })
  const { addCheckpoint } = appliance.witnessing
  const logApp = createLogApp({
    ...optionsOf('log'),
    ...readLog(realm, actions),
    ...(addCheckpoint === undefined ? {} : { addCheckpoint }),
  })
  return [
    createListener({ ...shared, name: 'health', ...placeOf(health), app: healthApp }),
    createListener({
      ...shared,
      name: 'admin',
      ...placeOf(admin),
      ...tlsOf(admin),
      app: adminApp,
    }),
    createListener({
      ...shared,
      name: 'log',
      ...placeOf(auditLog),
      ...tlsOf(auditLog),
      app: logApp,
    }),
  ]
}

const placeOf = ({ host, port }: Pick<ListenerOptions, 'host' | 'port'>) => ({ host, port })
