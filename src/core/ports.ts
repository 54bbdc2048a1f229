// What every part of the core is handed: the time, fresh identifiers, a log and counters.
// No part reads a clock or makes an identifier by itself, so tests decide both.

import type { Log } from '../runtime/index.ts'
import type { Instant } from '../time.ts'

/** What is counted; labels come from closed sets. */
export interface Meter {
  /** One HTTP request answered. */
  request(route: string, status: number, durationMs: number): void
  /** One post left for a realm, or was refused. */
  post(outcome: 'held' | 'resent' | 'answered' | 'declined' | 'expired'): void
  /** One sealed answer of a realm: handed to its device, or dropped because the device is not the sender's. */
  answer(outcome: 'delivered' | 'foreign-device' | 'not-asked'): void
  /** One verdict of a realm on an operation. */
  operation(verdict: 'applied' | 'refused' | 'withdrawn' | 'declined'): void
  /** One sealed query, by what became of it at its realm. */
  search(outcome: 'answered' | 'declined' | 'failed'): void
  /** Mercury sockets open now. */
  sockets(open: number): void
  /** One event that never got to its device. */
  eventDropped(reason: 'age' | 'space'): void
  /** One question to the identity provider. */
  introspection(outcome: 'active' | 'inactive' | 'unavailable'): void
  /** Lines to realms that are up now. */
  lines(up: number): void
}

export interface Surroundings {
  readonly now: () => Instant
  readonly newId: () => string
  readonly log: Log
  readonly meter: Meter
}
