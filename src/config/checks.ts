// What settings must fulfil together: no name twice, no port twice, nobody let in by accident.
// Each problem is laid at the dotted path of the setting to change.

import type { z } from 'zod'
import { isLoopback } from './fields.ts'

interface Endpoint {
  readonly host: string
  readonly port: number
}

/** The parts of the settings that depend on each other. */
interface Related {
  readonly realm: { readonly organizations: readonly { readonly id: string }[] }
  readonly identity: {
    readonly issuers: readonly {
      readonly issuer: string
      readonly organizationIds?: readonly string[]
    }[]
  }
  readonly listeners: {
    readonly health: Endpoint & { readonly allowRemote: boolean }
    readonly log: Endpoint & { readonly allowRemote: boolean }
    readonly admin: Endpoint & { readonly tls?: object }
  }
  readonly audit: { readonly ship: readonly Destination[] }
  readonly federation: { readonly carrier?: Carrier }
}

interface Carrier {
  readonly crlFolder?: string
  readonly requireCrl: boolean
  readonly relay: boolean
  readonly direct: readonly { readonly domain: string }[]
  readonly listen?: object
}

interface Destination {
  readonly name: string
  readonly alarmAfterSeconds: number
  readonly confirmEverySeconds?: number
}

interface Problem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

export const checkTogether = (settings: Related, check: z.RefinementCtx): void => {
  const problems = [
    ...repeated(
      settings.realm.organizations.map(({ id }) => id),
      (index) => ['realm', 'organizations', index, 'id'],
    ),
    ...repeated(
      settings.identity.issuers.map(({ issuer }) => issuer),
      (index) => ['identity', 'issuers', index, 'issuer'],
    ),
    ...unknownOrganizations(settings),
    ...exposed(settings.listeners),
    ...repeated(
      settings.audit.ship.map(({ name }) => name),
      (index) => ['audit', 'ship', index, 'name'],
    ),
    ...hasty(settings.audit.ship),
    ...(settings.federation.carrier ? unfit(settings.federation.carrier) : []),
    ...repeated(
      LISTENERS.map((name) => `${settings.listeners[name].port}`),
      (index) => ['listeners', LISTENERS[index] ?? '', 'port'],
    ),
  ]
  for (const { path, message } of problems) {
    check.addIssue({ code: 'custom', path: [...path], message })
  }
}

// Ports are compared without hosts: `localhost`, `127.0.0.1` and `::` overlap in ways of their own.
const LISTENERS = ['health', 'admin', 'log'] as const

const CONFIRMED_WITHIN_SECONDS = 3

const repeated = (
  values: readonly string[],
  pathOf: (index: number) => Problem['path'],
): Problem[] =>
  values.flatMap((value, index) =>
    values.indexOf(value) < index ? [{ path: pathOf(index), message: 'is used twice' }] : [],
  )

const unknownOrganizations = ({ realm, identity }: Related): Problem[] => {
  const known = new Set(realm.organizations.map(({ id }) => id))
  return identity.issuers.flatMap(({ organizationIds = [] }, issuer) =>
    organizationIds.flatMap((id, index) =>
      known.has(id)
        ? []
        : [
            {
              path: ['identity', 'issuers', issuer, 'organizationIds', index],
              message: 'is not one of realm.organizations',
            },
          ],
    ),
  )
}

const exposed = ({ health, log, admin }: Related['listeners']): Problem[] => {
  const problems: Problem[] = []
  for (const [name, listener] of Object.entries({ health, log })) {
    if (!isLoopback(listener.host) && !listener.allowRemote) {
      problems.push({
        path: ['listeners', name, 'host'],
        message: `is not loopback; set listeners.${name}.allowRemote to open it on purpose`,
      })
    }
  }
  if (!isLoopback(admin.host) && admin.tls === undefined) {
    problems.push({
      path: ['listeners', 'admin', 'tls'],
      message: 'is required because listeners.admin.host is not loopback',
    })
  }
  return problems
}

/** A way to peers that leads to none, or that nobody could come. */
const unfit = ({ crlFolder, requireCrl, relay, direct, listen }: Carrier): Problem[] => {
  const problems = repeated(
    direct.map(({ domain }) => domain),
    (index) => ['federation', 'carrier', 'direct', index, 'domain'],
  )
  if (requireCrl && crlFolder === undefined) {
    problems.push({
      path: ['federation', 'carrier', 'crlFolder'],
      message: 'is required unless federation.carrier.requireCrl is false',
    })
  }
  if (!relay && direct.length === 0 && listen === undefined) {
    problems.push({
      path: ['federation', 'carrier', 'relay'],
      message: 'is the only way to peers unless direct or listen is set',
    })
  }
  return problems
}

/** What is confirmed every so often is late by that much in the best of times. */
const hasty = (ship: readonly Destination[]): Problem[] =>
  ship.flatMap(({ alarmAfterSeconds, confirmEverySeconds = 0 }, index) =>
    alarmAfterSeconds > confirmEverySeconds + CONFIRMED_WITHIN_SECONDS
      ? []
      : [
          {
            path: ['audit', 'ship', index, 'alarmAfterSeconds'],
            message: `must be more than ${CONFIRMED_WITHIN_SECONDS} s above confirmEverySeconds`,
          },
        ],
  )
