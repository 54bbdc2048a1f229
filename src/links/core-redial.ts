// Keeps a line to the core: dials, dials again after a pause that grows and is never the same for two realms,
// and says whether there is a line. A line counts as up once the core has welcomed it.

import type { RealmFrame } from '../boundary/index.ts'
import { type CoreLine, dialCore, type LineEnd, type LineOptions } from './core-line.ts'

export interface RedialTimes {
  readonly backOffFirstMs: number
  readonly backOffMostMs: number
  /** A line that lived so long starts the next pause from the beginning. */
  readonly steadyAfterMs: number
}

export interface RedialOptions {
  readonly line: Omit<LineOptions, 'onWelcome' | 'onEnd'>
  readonly times: RedialTimes
  /** From 0 to 1. */
  readonly jitter: () => number
  readonly onUp: () => void
  readonly onDown: (down: LineDown) => void
}

export interface LineDown extends LineEnd {
  readonly wasUp: boolean
  /** Until the next try; absent if there is none. */
  readonly waitMs?: number
}

export interface KeptLine {
  isUp(): boolean
  /** Sends if the line is up; otherwise the frame is dropped. */
  send(frame: RealmFrame): void
  /** The same for a piece of a stream; `done` is called in any case. */
  sendData(message: Uint8Array, done: () => void): void
  /** Resolves when the line is down for good. */
  close(): Promise<void>
}

export const keepLine = ({ line: lineOptions, times, ...options }: RedialOptions): KeptLine => {
  const pauses = createPauses(times, options.jitter)
  let line: CoreLine | undefined
  let upAtMs: number | undefined
  let redial: NodeJS.Timeout | undefined
  let isClosing = false
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>()

  const onWelcome = (): void => {
    upAtMs = performance.now()
    options.onUp()
  }
  const onEnd = (end: LineEnd): void => {
    const wasUp = upAtMs !== undefined
    const livedMs = upAtMs === undefined ? 0 : performance.now() - upAtMs
    upAtMs = undefined
    line = undefined
    if (isClosing) {
      options.onDown({ ...end, wasUp })
      return onClosed()
    }
    const waitMs = pauses.next(livedMs)
    redial = setTimeout(dial, waitMs)
    options.onDown({ ...end, wasUp, waitMs })
  }
  const dial = (): void => {
    line = dialCore({ ...lineOptions, onWelcome, onEnd })
  }
  dial()

  return {
    isUp: () => upAtMs !== undefined,
    send(frame) {
      if (upAtMs !== undefined) line?.send(frame)
    },
    sendData(message, done) {
      if (upAtMs === undefined || line === undefined) done()
      else line.sendData(message, done)
    },
    async close() {
      isClosing = true
      clearTimeout(redial)
      if (line === undefined) return
      line.close()
      await closed
    },
  }
}

/** Exponential back-off with full jitter above a floor of half. */
const createPauses = (
  { backOffFirstMs, backOffMostMs, steadyAfterMs }: RedialTimes,
  jitter: () => number,
) => {
  let nextMs = backOffFirstMs
  return {
    next(livedMs: number): number {
      if (livedMs >= steadyAfterMs) nextMs = backOffFirstMs
      const waitMs = Math.round(nextMs * (0.5 + jitter() / 2))
      nextMs = Math.min(backOffMostMs, nextMs * 2)
      return waitMs
    },
  }
}
