// The core's counters in Prometheus. Labels are closed sets: routes, outcomes, reasons; never an id.

import type { Metrics } from '../runtime/index.ts'
import type { Meter } from './ports.ts'

export const ROUTES = [
  'devices',
  'kms-details',
  'kms-messages',
  'conversations',
  'activities',
  'teams',
  'search',
  'unknown',
] as const
const STATUSES = ['2xx', '4xx', '5xx'] as const

export const createMeter = (metrics: Metrics): Meter => {
  const requests = metrics.histogram({
    room: 'http',
    thing: 'request',
    unit: 'seconds',
    help: 'How long HTTP requests take, by route and kind of status.',
    labels: { route: ROUTES, status: STATUSES },
  })
  const posts = metrics.counter({
    room: 'relay',
    thing: 'posts',
    unit: 'count',
    help: 'Posts of sealed messages, by what happened to them.',
    labels: { outcome: ['held', 'resent', 'answered', 'declined', 'expired'] },
  })
  const answers = metrics.counter({
    room: 'relay',
    thing: 'answers',
    unit: 'count',
    help: 'Sealed answers of realms, by what happened to them.',
    labels: { outcome: ['delivered', 'foreign-device', 'not-asked'] },
  })
  const { operations, searches } = createRealmCounters(metrics)
  const sockets = metrics.gauge({
    room: 'mercury',
    thing: 'sockets',
    unit: 'count',
    help: 'Mercury sockets that are open.',
  })
  const dropped = metrics.counter({
    room: 'mercury',
    thing: 'dropped_events',
    unit: 'count',
    help: 'Events that never reached their device, by reason.',
    labels: { reason: ['age', 'space'] },
  })
  const introspections = metrics.counter({
    room: 'identity',
    thing: 'introspections',
    unit: 'count',
    help: 'Questions to the identity provider, by outcome.',
    labels: { outcome: ['active', 'inactive', 'unavailable'] },
  })
  const lines = metrics.gauge({
    room: 'relay',
    thing: 'lines',
    unit: 'count',
    help: 'Lines to realms that are up.',
  })
  return {
    request: (route, status, durationMs) => {
      requests.observe({ route: closedRoute(route), status: kindOf(status) }, durationMs / 1000)
    },
    post: (outcome) => posts.add({ outcome }),
    answer: (outcome) => answers.add({ outcome }),
    operation: (verdict) => operations.add({ verdict }),
    search: (outcome) => searches.add({ outcome }),
    sockets: (open) => sockets.set({}, open),
    eventDropped: (reason) => dropped.add({ reason }),
    introspection: (outcome) => introspections.add({ outcome }),
    lines: (up) => lines.set({}, up),
  }
}

/** What realms said to operations and queries. */
const createRealmCounters = (metrics: Metrics) => {
  const operations = metrics.counter({
    room: 'rooms',
    thing: 'operations',
    unit: 'count',
    help: 'Verdicts of realms on operations of rooms.',
    labels: { verdict: ['applied', 'refused', 'withdrawn', 'declined'] },
  })
  const searches = metrics.counter({
    room: 'search',
    thing: 'queries',
    unit: 'count',
    help: 'Sealed queries, by what their realm said.',
    labels: { outcome: ['answered', 'declined', 'failed'] },
  })
  return { operations, searches }
}

const closedRoute = (route: string) => ROUTES.find((known) => known === route) ?? 'unknown'

const kindOf = (status: number) => (status >= 500 ? '5xx' : status >= 400 ? '4xx' : '2xx')
