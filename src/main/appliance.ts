// The running appliance: the corridor behind the line to the core, listeners, jobs, and what people may
// do to it. Locked, it is healthy and answers nobody; unlocked, it publishes its identity.

import type { AdminActions, LogPage } from '../admin/index.ts'
import {
  type AnswersFrame,
  type KmsDetails,
  LINK_VERSION,
  type MessagesFrame,
  type OffboardedFrame,
} from '../boundary/index.ts'
import { readNamedText, readSecret } from '../config/index.ts'
import { SecretBytes, systemRandom } from '../crypto/index.ts'
import { Fault } from '../fault.ts'
import type { ServePeer, TurnedAway } from '../federation/index.ts'
import type { IndexLine } from '../indexer/index.ts'
import { operationAnswer, withdrawOperation } from '../kms/index.ts'
import { type CoreLink, openCoreLink } from '../links/index.ts'
import { type Job, type Log, type Metrics, type Part, systemClock } from '../runtime/index.ts'
import { statusOf } from './appliance-status.ts'
import { type Realm, record, unlockRealm } from './assembly.ts'
import { type Carrier, joinCarrier } from './carrier.ts'
import { type JoinedCorridor, joinCorridor } from './corridor.ts'
import { erase } from './erase.ts'
import { federationJobs, joinForeignHome, joinPush, joinServePeer } from './federation.ts'
import { ownJobs } from './own-jobs.ts'
import { runCheck } from './peer-check.ts'
import { createPeerWatch, joinTurnedAway, turnedAwayJob } from './peer-watch.ts'
import { proxyOf } from './proxy.ts'
import { recordReading } from './reading.ts'
import { joinRooms, type Rooms } from './rooms.ts'
import { type JoinedSearch, joinSearch } from './search.ts'
import { joinShipping, type Shipping } from './shipping.ts'
import { joinWitnessing, type Witnessing } from './witnessing.ts'

/** The line to the core: nothing until it is opened. */
export interface Line {
  openStream: CoreLink['openStream']
  open(): void
  close(): Promise<void>
  isUp(): boolean
  announce(): void
  tell(frame: OffboardedFrame): void
  readonly index: IndexLine
}

export interface Appliance {
  readonly realm: Realm
  readonly joined: JoinedCorridor
  readonly line: Line
  readonly search: JoinedSearch
  readonly shipping: Shipping
  readonly witnessing: Witnessing
  readonly actions: AdminActions
  readonly jobs: readonly Job[]
  /** Answers a peer whose certificate was accepted. */
  readonly servePeer: ServePeer
  unlock(passphrase: SecretBytes): Promise<void>
  close(): Promise<void>
  /** The direct port for peers, if the settings open one. */
  readonly peerListeners: readonly Part[]
}

const SYSTEM = { kind: 'system' } as const

/** Throws a Fault `main.no-identity` before an identity has been imported. */
const detailsOf = ({ kms }: Realm, { staticKeys }: JoinedCorridor): KmsDetails => {
  const published = staticKeys.published
  if (published === undefined) throw new Fault('main.no-identity')
  return { kmsCluster: `kms://${kms.domain}`, rsaPublicKey: published.publicJwkJson }
}

/** Locked, a post is declined unread; how an operation ended can be told all the same. */
const answerPost = async (
  realm: Realm,
  { corridor }: JoinedCorridor,
  post: MessagesFrame,
): Promise<AnswersFrame> => {
  const { id } = post
  if (!realm.keyring.isUnlocked) return { type: 'answers', id, answers: [], declined: 'kms.locked' }
  if (post.sync) return { type: 'answers', id, ...(await corridor.operate(post)) }
  return { type: 'answers', id, answers: await corridor.handle(post) }
}

interface LineParts {
  readonly realm: Realm
  readonly joined: JoinedCorridor
  readonly log: Log
  readonly metrics: Metrics
  /** Joined after the line, which they speak on. */
  rooms(): Rooms
  search(): JoinedSearch
  /** Where peers are let in. */
  readonly onStream?: Carrier['onStream'] | undefined
}

const openLink = (parts: LineParts): CoreLink => {
  const { realm, joined, rooms, search, log, metrics, onStream } = parts
  const { core, limits } = realm.settings
  return openCoreLink({
    url: core.linkUrl,
    ...proxyOf(realm.settings),
    tls: {
      ca: readNamedText(core.tlsCaFile),
      cert: readNamedText(core.certificateFile),
      key: new TextDecoder().decode(readSecret({ file: core.keyFile })),
    },
    hello: () => ({
      type: 'hello',
      version: LINK_VERSION,
      domain: realm.kms.domain,
      organizationIds: realm.kms.organizations,
      details: detailsOf(realm, joined),
      state: realm.keyring.isUnlocked ? 'ready' : 'locked',
    }),
    handle: (post) => answerPost(realm, joined, post),
    withdraw: async ({ id, part }) => ({
      type: 'answers',
      id,
      ...operationAnswer(await withdrawOperation(realm.ledger, id, part)),
    }),
    onRosters: (page) => rooms().takeRosters(page),
    onOffboarded: (userId) => rooms().acknowledge(userId),
    onSearch: (asked) => search().answer(asked),
    onNews: () => search().wake(),
    ...(onStream === undefined ? {} : { onStream }),
    onState: (state) => {
      if (state === 'down') rooms().lineLost()
      else search().wake()
    },
    limits: {
      messagesInWork: limits.inFlightMessages,
      perUser: {
        perSecond: limits.messagesPerSecondPerUser,
        burst: limits.burstPerUser,
        names: 50_000,
      },
    },
    log,
    metrics,
    clock: systemClock,
  })
}

const open = (link: CoreLink | undefined): CoreLink => {
  if (link === undefined) throw new Fault('link.down')
  return link
}

const indexLineOf = (link: () => CoreLink | undefined): IndexLine => ({
  isUp: () => link()?.isUp() ?? false,
  ask: async (ask) => open(link()).ask({ type: 'feed-ask', id: systemRandom.uuid(), ...ask }),
  post: async (items) => open(link()).tell({ type: 'postings', id: systemRandom.uuid(), items }),
  drop: async (resourceUri) =>
    open(link()).tell({ type: 'postings-drop', id: systemRandom.uuid(), resourceUri }),
})

const createLine = (parts: LineParts): Line => {
  const { realm, joined } = parts
  let link: CoreLink | undefined
  return {
    open: () => {
      link ??= openLink(parts)
    },
    close: async () => link?.close(),
    openStream: async (domain) => (await link?.openStream(domain)) ?? 'line-lost',
    isUp: () => link?.isUp() ?? false,
    tell: (frame) => link?.announce(frame),
    index: indexLineOf(() => link),
    announce: () =>
      link?.announce({
        type: 'state',
        state: realm.keyring.isUnlocked ? 'ready' : 'locked',
        details: detailsOf(realm, joined),
      }),
  }
}

const lock = async (
  appliance: Pick<Appliance, 'realm' | 'joined' | 'line' | 'search'>,
): Promise<void> => {
  const { realm, joined, line, search } = appliance
  realm.keyring.lock()
  joined.channels.forgetAll()
  joined.staticKeys.lock()
  search.lock()
  realm.log.keys.lock()
  realm.witness.lock()
  line.announce()
  await record(realm, { action: 'realm.locked', outcome: 'done', actor: SYSTEM, type: 'MAIN_KEY' })
}

const reloadIdentity = async ({ realm, joined }: Pick<Appliance, 'realm' | 'joined'>) => {
  const act = { action: 'identity.reloaded', outcome: 'done', type: 'PROCESS' } as const
  await record(realm, { ...act, actor: SYSTEM })
  joined.renewIdentity()
}

const isWrongPassphrase = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'kms.sealed-file-wrong-passphrase'

const refusedUnlock = {
  action: 'realm.unlocked',
  outcome: 'refused',
  code: 'kms.sealed-file-wrong-passphrase',
  actor: SYSTEM,
  type: 'MAIN_KEY',
} as const

const countFaults = (
  log: Log,
  metrics: Metrics,
): ((fault: unknown, trackingId: string) => void) => {
  const faults = metrics.counter({
    room: 'kms',
    thing: 'faults',
    unit: 'count',
    help: 'Requests that met something broken.',
  })
  return (fault, trackingId) => {
    faults.add({})
    log.error('request.failed', { trackingId }, fault)
  }
}

interface CarrierNeeds {
  readonly log: Log
  readonly metrics: Metrics
  readonly turnedAway: TurnedAway
  readonly openStream: CoreLink['openStream']
  readonly serve: ServePeer
}

const tryUnlock = async (
  realm: Realm,
  unlock: () => Promise<void>,
): Promise<'unlocked' | 'wrong-passphrase'> => {
  try {
    await unlock()
    return 'unlocked'
  } catch (error) {
    if (!isWrongPassphrase(error)) throw error
    await record(realm, refusedUnlock)
    return 'wrong-passphrase'
  }
}

/** Undefined without `federation.carrier`: then the realm works alone. */
const joinRealmCarrier = (realm: Realm, needs: CarrierNeeds): Carrier | undefined => {
  const { federation } = realm.settings
  if (federation.carrier === undefined) return undefined
  const own = { settings: federation.carrier, domain: realm.kms.domain, ...proxyOf(realm.settings) }
  return joinCarrier({ ...own, watch: createPeerWatch({ federation, ...needs }), ...needs })
}

const auditEntries = async ({ store, ledger }: Realm, { after, limit }: LogPage) => {
  const entries = await store.read((tx) => tx.audit.read(after, limit))
  await recordReading(ledger, after, entries.length)
  return entries
}

/** Without a link to peers the realm works alone: it asks nobody. */
export const createAppliance = async (
  realm: Realm,
  log: Log,
  metrics: Metrics,
): Promise<Appliance> => {
  const onFault = countFaults(log, metrics)
  const turnedAway = joinTurnedAway(realm, log)
  const carrier = joinRealmCarrier(realm, {
    ...{ log, metrics, turnedAway },
    openStream: (domain) => line.openStream(domain),
    serve: (peer, request) => servePeer(peer, request),
  })
  const link = carrier?.peers
  const push = link && joinPush(realm, link)
  const foreign = link && push && joinForeignHome(realm, { link, push }, metrics)
  const joined = joinCorridor(realm, log, onFault, foreign)
  await joined.staticKeys.reload()
  detailsOf(realm, joined)
  const line: Line = createLine({
    ...{ realm, joined, log, metrics, onStream: carrier?.onStream },
    rooms: () => rooms,
    search: () => search,
  })
  const rooms = joinRooms(realm, line, log, metrics)
  const search = joinSearch(realm, line.index, log, metrics)
  const shipping = joinShipping(realm, log, metrics)
  const servePeer = joinServePeer(realm, { desk: joined.desk, turnedAway }, onFault)
  const startedAt = realm.now()
  const witnessing = joinWitnessing(realm, log, metrics)
  const parts = { realm, joined, line, search, witnessing }
  const unlock = async (passphrase: SecretBytes): Promise<void> => {
    await unlockRealm(realm, passphrase)
    line.announce()
    search.wake()
  }
  return {
    ...parts,
    shipping,
    unlock,
    jobs: [
      ...ownJobs({ realm, joined, announce: () => line.announce() }, log, metrics),
      ...witnessing.jobs,
      ...rooms.jobs,
      ...(push && foreign ? federationJobs(realm, { link, push }, foreign, metrics) : []),
      ...shipping.jobs,
      ...(carrier?.jobs ?? []),
      turnedAwayJob(turnedAway),
    ],
    servePeer,
    peerListeners: carrier?.listeners ?? [],
    actions: {
      status: () => statusOf(realm, line, startedAt),
      lock: () => lock(parts),
      unlock: async (passphrase) =>
        realm.keyring.isUnlocked
          ? 'already-unlocked'
          : await tryUnlock(realm, () => unlock(SecretBytes.from(passphrase))),
      shipStatus: () => shipping.status(),
      auditEntries: (page) => auditEntries(realm, page),
      erase: (userId) => erase(parts, userId),
      checkPeer: (domain) => runCheck(realm, carrier, domain),
      reloadIdentity: () => reloadIdentity(parts),
    },
    close: async () => {
      carrier?.close()
      await turnedAway.end()
      await line.close()
      await joined.close()
    },
  }
}
