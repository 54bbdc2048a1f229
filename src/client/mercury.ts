// The event socket, kept open: it hands each event on once and comes back by itself, later each time it fails. It
// gives up only where the core says that coming back is of no use.

import { type ClientClock, within } from './clock.ts'
import { ClientError } from './errors.ts'
import type { JsonObject } from './json.ts'
import { type LineSettings, MercuryLine } from './mercury-line.ts'

export interface MercurySettings extends LineSettings {
  /** The `data` of each event, once. Must not throw. */
  readonly onEvent: (data: JsonObject) => void
  /** The core closed the socket for good; `code` says why. */
  readonly onGone: (code: number) => void
}

/** Observed of real clients: bad request, forbidden, replaced by another socket, not acceptable, unregistered. */
const GIVE_UP: ReadonlySet<number> = new Set([4400, 4403, 4000, 1003, 1000])
const BAD_TOKEN = 4401
const BACK_OFF_FIRST_MS = 500
const BACK_OFF_MAX_MS = 32_000
const REMEMBERED_EVENTS = 2048

export class Mercury {
  /** Resolves when events arrive; rejects `client.socket-refused` if the core does not want us. */
  readonly ready: Promise<void>
  readonly #settings: MercurySettings
  readonly #lines = new Set<MercuryLine>()
  readonly #seen = new Set<string>()
  #becomeReady: () => void = () => undefined
  #refuseReady: (error: ClientError) => void = () => undefined
  #cancelReconnect: (() => void) | undefined
  #failures = 0

  constructor(settings: MercurySettings) {
    this.#settings = settings
    this.ready = new Promise<void>((resolve, reject) => {
      this.#becomeReady = resolve
      this.#refuseReady = reject
    })
    this.ready.catch(() => undefined)
    this.#open('keep')
  }

  close(): void {
    this.#cancelReconnect?.()
    this.#refuseReady(new ClientError('client.closed'))
    for (const line of this.#lines) line.close()
    this.#lines.clear()
  }

  #open(token: 'renew' | 'keep'): void {
    const line = new MercuryLine(
      this.#settings,
      {
        onReady: () => this.#onReady(line),
        onEvent: (id, data) => this.#onEvent(id, data),
        onShutdown: () => this.#openSecond(),
        onOver: (code) => this.#onOver(line, code),
      },
      token,
    )
    this.#lines.add(line)
  }

  /** However often the core asks, one more line is on its way at most. */
  #openSecond(): void {
    if (this.#lines.size === 1) this.#open('keep')
  }

  #onReady(line: MercuryLine): void {
    this.#failures = 0
    this.#becomeReady()
    for (const other of this.#lines) {
      if (other === line) continue
      this.#lines.delete(other)
      other.close()
    }
  }

  /** Events come again after a reconnect if their acknowledgement was lost. */
  #onEvent(id: string, data: JsonObject): void {
    if (this.#seen.has(id)) return
    this.#seen.add(id)
    if (this.#seen.size > REMEMBERED_EVENTS) {
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest)
        break
      }
    }
    this.#settings.onEvent(data)
  }

  #onOver(line: MercuryLine, code: number): void {
    this.#lines.delete(line)
    // Another line is up, or on its way.
    if (this.#lines.size > 0) return
    if (GIVE_UP.has(code)) {
      this.#refuseReady(new ClientError('client.socket-refused', undefined, code))
      this.#settings.onGone(code)
      return
    }
    const { clock } = this.#settings
    const wait = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** this.#failures)
    this.#failures += 1
    // Half of it by chance, so that the clients of a restarted core do not all return at once.
    const spread = wait * (0.5 + clock.chance() / 2)
    const token = code === BAD_TOKEN ? 'renew' : 'keep'
    this.#cancelReconnect = clock.after(spread, () => this.#open(token))
  }
}

/** Waits for the socket, but not for ever. */
export const socketReady = async (
  mercury: Mercury,
  clock: ClientClock,
  milliseconds: number,
): Promise<void> => {
  const ready = mercury.ready.then(() => true)
  if (await within(ready, clock, { milliseconds, otherwise: false })) return
  throw new ClientError('client.timed-out', 'socket')
}
