// Settings of shipping → shippers as jobs, each with the place it ships to; and one watch over all, which tells people
// and monitors how far each has got and raises an alarm. None of it is on the path of a request.

import { setTimeout as wait } from 'node:timers/promises'
import {
  createFilter,
  createRenderer,
  createShipper,
  type Shipper,
  type ShipSource,
  type ShipStatus,
  type ShipTarget,
  shipStatus,
} from '../audit/index.ts'
import { readNamedText, readSecret, type Settings } from '../config/index.ts'
import { systemRandom } from '../crypto/index.ts'
import { createLogFile, createSyslogDatagram, createSyslogStream } from '../links/index.ts'
import { type Job, type Log, type Metrics, systemClock } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import type { Realm } from './assembly.ts'
import { proxyOf } from './proxy.ts'
import { VERSION } from './version.ts'

type Destination = Settings['audit']['ship'][number]
type Tls = Extract<Destination, { readonly kind: 'syslog-tls' }>['tls']

export interface Shipping {
  readonly jobs: readonly Job[]
  /** Each destination as it is now, in the order of the settings. */
  status(): Promise<readonly ShipStatus[]>
  /** Of the last look; looks are seconds apart. */
  isAlarm(): boolean
}

const LOOK_EVERY = seconds(1)
const WATCH_EVERY = seconds(2)

const identityOf = ({ certificateFile, keyFile }: Tls) =>
  certificateFile === undefined || keyFile === undefined
    ? {}
    : {
        identity: {
          certificatePem: readNamedText(certificateFile),
          keyPem: new TextDecoder().decode(readSecret({ file: keyFile })),
        },
      }

const tlsOf = (destination: Destination) =>
  destination.kind === 'syslog-tls'
    ? {
        tls: {
          caPem: readNamedText(destination.tls.caFile),
          serverName: destination.tls.serverName ?? destination.host,
          ...identityOf(destination.tls),
        },
      }
    : {}

const targetOf = (destination: Destination, settings: Settings): ShipTarget => {
  if (destination.kind === 'file')
    return createLogFile({ ...destination, nowMs: () => systemClock.now() })
  if (destination.kind === 'syslog-udp') return createSyslogDatagram(destination)
  const { host, port, framing, confirmEverySeconds, giveUpAfterSeconds } = destination
  return createSyslogStream({
    ...{ host, port, framing },
    ...tlsOf(destination),
    ...proxyOf(settings),
    concludeAfter: seconds(confirmEverySeconds),
    giveUpAfter: seconds(giveUpAfterSeconds),
  })
}

const rendererOf = (destination: Destination) => {
  const rendering = { layout: destination.layout, version: VERSION }
  if (destination.kind === 'file') return createRenderer(rendering)
  const { facility, structuredDataId } = destination
  return createRenderer({ ...rendering, syslog: { facility, structuredDataId } })
}

const sourceOf = ({ store }: Realm, destination: string): ShipSource => ({
  read: (after, limit) => store.read((tx) => tx.audit.read(after, limit)),
  cursor: async () =>
    (await store.read((tx) => tx.shipping.cursors())).find(
      (cursor) => cursor.destination === destination,
    ),
  write: (work) => store.transact((tx) => work(tx.shipping)),
})

const pause = async (length: number, signal: AbortSignal): Promise<void> => {
  // Ended early is ended; the timer has no other way to fail.
  await wait(length, undefined, { signal, ref: false }).catch(() => undefined)
}

const shipperOf = (realm: Realm, holder: string, destination: Destination): Shipper =>
  createShipper({
    destination: destination.name,
    holder,
    source: sourceOf(realm, destination.name),
    target: targetOf(destination, realm.settings),
    wants: createFilter(destination.filter ?? {}),
    render: rendererOf(destination),
    now: realm.now,
    elapsedMs: () => performance.now(),
    pause,
    jitter: Math.random,
  })

const statusOf = (realm: Realm, destination: Destination, shipper: Shipper) =>
  realm.store.read(async (tx) => {
    const cursors = await tx.shipping.cursors()
    const cursor = cursors.find(({ destination: name }) => name === destination.name)
    const delivered = cursor?.sequence ?? 0
    const { sequence: newest } = await tx.audit.head()
    const [oldestWaiting] = await tx.audit.read(delivered, 1)
    return shipStatus(
      destination.name,
      shipper.progress(),
      { delivered, newest, ...(oldestWaiting === undefined ? {} : { oldestWaiting }) },
      { now: realm.now(), alarmAfter: seconds(destination.alarmAfterSeconds) },
    )
  })

const createGauges = (metrics: Metrics, destination: readonly string[]) => {
  const gauge = (thing: string, unit: 'count' | 'seconds', help: string) =>
    metrics.gauge({ room: 'audit', thing, unit, help, labels: { destination } })
  return {
    entries: gauge('ship_lag', 'count', 'Entries recorded and not yet delivered.'),
    age: gauge('ship_lag', 'seconds', 'Age of the oldest entry that is not yet delivered.'),
    alarm: gauge('ship_alarm', 'count', '1 while an entry waits for longer than it may.'),
  }
}

/** Says that something began or ended, once. */
const createReporter = (log: Log) => {
  const known = new Map<string, { readonly isAlarm: boolean; readonly error?: string }>()
  return (status: ShipStatus): void => {
    const { destination, isAlarm, lastError, lagEntries, lagSeconds } = status
    const before = known.get(destination) ?? { isAlarm: false }
    const facts = { destination, lagEntries, lagSeconds, code: lastError, state: status.state }
    if (isAlarm && !before.isAlarm) log.error('audit.ship-alarm', facts)
    if (!isAlarm && before.isAlarm) log.info('audit.ship-caught-up', facts)
    if (lastError !== undefined && lastError !== before.error) log.warn('audit.ship-failed', facts)
    known.set(destination, { isAlarm, ...(lastError === undefined ? {} : { error: lastError }) })
  }
}

export const joinShipping = (realm: Realm, log: Log, metrics: Metrics): Shipping => {
  const holder = systemRandom.uuid()
  const destinations = realm.settings.audit.ship.map((destination) => ({
    destination,
    shipper: shipperOf(realm, holder, destination),
  }))
  const gauges = createGauges(
    metrics,
    destinations.map(({ destination }) => destination.name),
  )
  const report = createReporter(log)
  let isAlarm = false
  const status = () =>
    Promise.all(
      destinations.map(({ destination, shipper }) => statusOf(realm, destination, shipper)),
    )
  const watch: Job = {
    name: 'ship-watch',
    interval: WATCH_EVERY,
    run: async () => {
      const now = await status()
      for (const one of now) {
        const label = { destination: one.destination }
        gauges.entries.set(label, one.lagEntries)
        gauges.age.set(label, one.lagSeconds)
        gauges.alarm.set(label, one.isAlarm ? 1 : 0)
        report(one)
      }
      isAlarm = now.some((one) => one.isAlarm)
    },
  }
  const ships = destinations.map(
    ({ shipper }): Job => ({
      name: `ship-${shipper.destination}`,
      interval: LOOK_EVERY,
      run: (stopping) => shipper.run(stopping),
    }),
  )
  return {
    jobs: ships.length === 0 ? [] : [...ships, watch],
    status,
    isAlarm: () => isAlarm,
  }
}
