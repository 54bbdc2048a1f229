// The bounded shipper: one destination, fed from the log itself and never from the path of a request. In order, at
// least once: the cursor moves only over what is known to be delivered, and whatever is not is read from the log
// again. It holds one batch in memory, so a server that takes nothing costs time and never memory, speed or an entry.

import { Fault } from '../fault.ts'
import { type Duration, milliseconds } from '../time.ts'
import type { ShipProgress } from './shipping/progress.ts'
import { claimLease, isLeased, type ShipperOptions, ShipRun } from './shipping/run.ts'

export interface Shipper {
  readonly destination: string
  /** One bounded run: what waits is shipped and delivered, or it failed and has paused. Never throws. */
  run(stopping: AbortSignal): Promise<void>
  progress(): ShipProgress
}

/** A shipment that fails is sent again as a whole: the next one is half as long, and after that grows back. */
const SHIPMENT_MOST = 65_536
const BACK_OFF_FIRST_MS = 500
const BACK_OFF_MOST_MS = 60_000

const codeOf = (error: unknown): string =>
  error instanceof Fault ? error.code : 'audit.ship-failed'

/** Full jitter above a floor of half. */
const createPauses = (jitter: () => number) => {
  let nextMs = BACK_OFF_FIRST_MS
  return {
    reset: () => {
      nextMs = BACK_OFF_FIRST_MS
    },
    next: (): Duration => {
      const length = milliseconds(nextMs * (0.5 + jitter() / 2))
      nextMs = Math.min(BACK_OFF_MOST_MS, nextMs * 2)
      return length
    },
  }
}

export const createShipper = (options: ShipperOptions): Shipper => {
  const { source, destination, holder, now } = options
  const pauses = createPauses(options.jitter)
  let progress: ShipProgress = { state: 'starting', written: 0 }
  let most = SHIPMENT_MOST
  const become = (change: Partial<ShipProgress>): void => {
    progress = { ...progress, ...change }
  }

  const succeed = async (delivered: number, lines: number): Promise<void> => {
    const held = await source.write((shipping) => shipping.advance(destination, holder, delivered))
    if (!held) throw new Fault('audit.ship-lease-lost')
    pauses.reset()
    if (lines > 0) most = Math.min(SHIPMENT_MOST, most * 2)
    progress = { state: 'idle', written: delivered, deliveredAt: now() }
  }

  const fail = async (error: unknown, lines: number, stopping: AbortSignal): Promise<void> => {
    if (lines > 0) most = Math.max(1, Math.floor(lines / 2))
    become({ state: 'failing', lastError: codeOf(error), lastErrorAt: now() })
    // Whoever comes next, another node or the next start of this one, need not wait for the lease's end. If the
    // store is what failed, they wait.
    await source.write((shipping) => shipping.release(destination, holder)).catch(() => undefined)
    await options.pause(pauses.next(), stopping)
  }

  /** The cursor, if there is work and it is ours to do. Looking costs no write. */
  const begin = async (): Promise<number | undefined> => {
    const known = await source.cursor()
    if (known !== undefined && known.holder !== holder && isLeased(known, now())) {
      become({ state: 'elsewhere', written: known.sequence })
      return undefined
    }
    const from = known?.sequence ?? 0
    if ((await source.read(from, 1)).length === 0) {
      become({ state: 'idle', written: from })
      return undefined
    }
    const claimed = await claimLease(options)
    if (claimed === undefined) become({ state: 'elsewhere' })
    return claimed?.sequence
  }

  return {
    destination,
    progress: () => progress,
    run: async (stopping) => {
      let attempt: ShipRun | undefined
      try {
        const from = await begin()
        if (from === undefined) return
        // A destination that failed stays `failing` until something was delivered.
        become(
          progress.state === 'failing' ? { written: from } : { state: 'shipping', written: from },
        )
        attempt = new ShipRun(options, {
          from,
          most,
          stopping,
          onWritten: (written) => become({ written }),
        })
        await succeed(await attempt.deliver(), attempt.lines)
      } catch (error) {
        attempt?.abandon()
        await fail(error, attempt?.lines ?? 0, stopping)
      }
    },
  }
}
