// The parts of the core behind its ports, joined: who calls, which devices, which realms, what waits for whom.

import { parseUserId } from '../id.ts'
import { milliseconds } from '../time.ts'
import type { CoreSettings } from './config.ts'
import { deviceRoutes } from './devices/device-routes.ts'
import { type Devices, openDevices } from './devices/devices.ts'
import { type Mailboxes, openMailboxes } from './devices/mailboxes.ts'
import type { Caller } from './http/caller.ts'
import { createHttpApp } from './http/http.ts'
import { introspectAt } from './http/introspection.ts'
import { problem } from './http/problem.ts'
import { openTokens, type Tokens } from './http/tokens.ts'
import { type RoomUrls, roomUrlsAt, urlsAt } from './http/urls.ts'
import { type Operations, openOperations } from './operations/operations.ts'
import type { Surroundings } from './ports.ts'
import { kmsRoutes } from './realms/kms-routes.ts'
import type { Realms } from './realms/realms.ts'
import { type Delivery, openRelay, type Relay } from './realms/relay.ts'
import { boardRoutes } from './rooms/board-routes.ts'
import { openBoards } from './rooms/boards.ts'
import { type OffBoarding, openOffBoarding } from './rooms/off-boarding.ts'
import { openRoomActs } from './rooms/room-acts.ts'
import { openRoomMaking } from './rooms/room-making.ts'
import { roomRoutes } from './rooms/room-routes.ts'
import { toActivity } from './rooms/room-views.ts'
import { openRooms } from './rooms/rooms.ts'
import { openRosters, type Rosters } from './rooms/rosters.ts'
import {
  mailboxRulesOf,
  operationRulesOf,
  providerOf,
  queryRulesOf,
  relayRulesOf,
} from './rules.ts'
import { openFeed } from './search/feed.ts'
import { openSearchFrames, type SearchFrames } from './search/frames.ts'
import type { Postings } from './search/postings.ts'
import { openQueries } from './search/queries.ts'
import { searchRoutes } from './search/search-route.ts'
import type { Applied, CoreStore, OperationRow } from './store/store.ts'

export interface AppOptions {
  readonly settings: CoreSettings
  readonly surroundings: Surroundings
  readonly store: CoreStore
  readonly realms: Realms
  readonly baseUrl: string
  readonly postings: Postings
  /** Operations whose end an earlier run did not see. */
  readonly left: readonly OperationRow[]
  readonly isStopping: () => boolean
}

export interface App {
  readonly http: ReturnType<typeof createHttpApp>
  readonly realms: Realms
  readonly relay: Relay
  readonly devices: Devices
  readonly mailboxes: Mailboxes
  readonly tokens: Tokens
  readonly operations: Operations
  readonly offBoarding: OffBoarding
  readonly rosters: Rosters
  readonly search: SearchFrames
}

const USERS_KEPT = 100_000

export const createApp = (options: AppOptions): App => {
  const { settings, surroundings, store, realms } = options
  const { limits } = settings
  const urls = urlsAt(options.baseUrl)
  const mailboxes = openMailboxes(mailboxRulesOf(settings), surroundings)
  const deviceRules = {
    urlBase: urls.deviceBase,
    perUser: limits.devicesPerUser,
    usersKept: USERS_KEPT,
    onGone: mailboxes.discard,
  }
  const devices = openDevices(store, deviceRules, surroundings)
  const deliver = deliverTo(mailboxes)
  const relay = openRelay({ ...relayRulesOf(settings), deliver }, surroundings)
  const tokens = openTokens(tokenRules(options), surroundings)
  const kmsRooms = { devices, realms, relay, organizationOf: store.organizationOf }
  const tell = tellDevices(devices, mailboxes, surroundings)
  const rooms = openRoomParts(options, roomUrlsAt(urls), tell)
  const routes = [...deviceRoutes(devices, urls), ...kmsRoutes(kmsRooms), ...rooms.routes]
  const body = { bytes: limits.bodyBytes, withinMs: limits.bodyWithinMs }
  const http = createHttpApp(routes, { tokens, body, surroundings, isStopping: options.isStopping })
  return { http, realms, relay, devices, mailboxes, tokens, ...rooms }
}

type Tell = (userIds: readonly string[], data: string) => Promise<void>

const openRoomParts = (options: AppOptions, urls: RoomUrls, tell: Tell) => {
  const { settings, surroundings, store, realms, postings } = options
  const feed = openFeed(store)
  const queries = openQueries(queryRulesOf(settings), surroundings)
  const announced = announce(urls, tell)
  const operationRules = {
    ...operationRulesOf(settings),
    async onApplied(applied: Applied): Promise<void> {
      // A hint only: the realm asks again by itself.
      feed.news(applied).catch((error: unknown) => surroundings.log.error('feed.fault', {}, error))
      await announced(applied)
    },
    whyClosed: (domain: string) =>
      realms.named(domain)?.state === 'locked' ? problem('kms.locked') : undefined,
  }
  const operations = openOperations(store, operationRules, surroundings, options.left)
  const { membersPerRoom } = settings.limits
  const parts = { store, operations, realms, urls, surroundings, membersPerRoom }
  return {
    operations,
    offBoarding: openOffBoarding(store, operations, surroundings),
    rosters: openRosters(store, (error) => surroundings.log.error('rosters.fault', {}, error)),
    search: openSearchFrames({ feed, postings, queries }),
    routes: [
      ...roomRoutes(openRooms(store, urls), { ...openRoomActs(parts), ...openRoomMaking(parts) }),
      ...boardRoutes(openBoards(parts)),
      ...searchRoutes({ store, realms, postings, queries, urls, surroundings }),
    ],
  }
}

/** Everything new in a room is an event on every device of everybody who was or is in it. */
const announce =
  (urls: RoomUrls, tell: Tell) =>
  async ({ roomId, activities, told }: Applied): Promise<void> => {
    for (const row of activities) {
      const activity = toActivity(row, roomId, urls)
      await tell(told, JSON.stringify({ eventType: 'conversation.activity', activity }))
    }
  }

const tokenRules = ({ settings, store, surroundings }: AppOptions) => {
  const { issuer, audience, requiredScope, believedForMs } = settings.identity
  return {
    expected: { issuer, audience, requiredScope },
    introspect: introspectAt(providerOf(settings)),
    believedFor: milliseconds(believedForMs),
    kept: settings.limits.tokensKept,
    onCaller: ({ userId, organizationId, email }: Caller) =>
      store.rememberUser({
        id: userId,
        organization_id: organizationId,
        email: email ?? null,
        seen_at: surroundings.now(),
      }),
  }
}

/** One answer an event: real clients read no more than the first. The name is dispatched on, so it is exact. */
const deliverTo =
  (mailboxes: Mailboxes) =>
  ({ device, kmsMessage, trackingId }: Delivery): void => {
    // A compact JOSE text, by the boundary's parser: base64url and dots need no escapes in JSON.
    const data = `{"eventType":"encryption.kms_message","encryption":{"kmsMessages":["${kmsMessage}"]}}`
    mailboxes.push(device.id, { data, trackingId })
  }

const tellDevices =
  (devices: Devices, mailboxes: Mailboxes, { newId }: Surroundings): Tell =>
  async (userIds, data) => {
    const trackingId = newId()
    for (const id of userIds) {
      const userId = parseUserId(id)
      if (userId === undefined) continue
      for (const device of (await devices.own(userId)).values()) {
        mailboxes.push(device.id, { data, trackingId })
      }
    }
  }
