// Starts the parts of a process in order and stops them in reverse. SIGTERM, SIGINT and SIGHUP stop gracefully
// within a deadline; anything unhandled is logged and ends the process at once, because a process that
// holds keys and no longer knows its own state must not go on.

import type { Duration } from '../time.ts'
import type { Log } from './log.ts'

export interface Part {
  readonly name: string
  start(): Promise<void>
  stop(): Promise<void>
}

/** What the lifecycle needs of `process`; a stand-in in tests. */
export interface HostProcess {
  on(event: string, listener: (detail: unknown) => void): unknown
  off(event: string, listener: (detail: unknown) => void): unknown
  exit(code: number): void
}

export interface LifecycleOptions {
  readonly parts: readonly Part[]
  readonly log: Log
  /** How long a graceful stop may take before the process ends anyway. */
  readonly stopWithin: Duration
  readonly host?: HostProcess
}

export const EXIT_STOPPED = 0
export const EXIT_NOT_STARTED = 1
/** A graceful stop did not end in time, or a part failed to stop. */
export const EXIT_UNCLEAN = 3
/** Something was not handled (EX_SOFTWARE of sysexits.h). */
export const EXIT_FAULT = 70
// SIGHUP: the terminal went away. Settings are read at start only, so there is nothing to reload.
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

// A terminal sends Ctrl-C to a whole group, and a launcher may pass it on: that is one wish, not two.
const SAME_WISH_MS = 1000

/**
 * Runs the parts until a signal or a failure, and resolves with the exit code. If a part does not
 * start, the started ones are stopped again. A second signal ends the process without waiting.
 */
export const runUntilStopped = async (options: LifecycleOptions): Promise<number> => {
  const { parts, log, host = process } = options
  const signals = watchSignals(host, log)
  const faults = watchFaults(host, log)
  try {
    const started: Part[] = []
    const isStarted = await startAll(parts, started, log, signals.stopping)
    const code = isStarted ? EXIT_STOPPED : EXIT_NOT_STARTED
    if (isStarted) {
      log.info('process.ready')
      await signals.stopped
    }
    const isClean = await stopAll(started, log, options.stopWithin)
    log.info('process.stopped', { isClean })
    return isClean ? code : EXIT_UNCLEAN
  } finally {
    signals.unwatch()
    faults.unwatch()
  }
}

const startAll = async (
  parts: readonly Part[],
  started: Part[],
  log: Log,
  stopping: AbortSignal,
): Promise<boolean> => {
  for (const part of parts) {
    // A signal during the start is a stop, not a failure.
    if (stopping.aborted) return true
    try {
      await part.start()
    } catch (error) {
      log.error('part.not-started', { part: part.name }, error)
      return false
    }
    started.push(part)
    log.debug('part.started', { part: part.name })
  }
  return true
}

const stopAll = async (
  started: readonly Part[],
  log: Log,
  stopWithin: Duration,
): Promise<boolean> => {
  const deadline = deadlineAfter(stopWithin)
  let isClean = true
  for (const part of started.toReversed()) {
    const outcome = await Promise.race([stopOne(part, log), deadline.passed])
    isClean &&= outcome === 'stopped'
    if (outcome !== 'too-late') continue
    log.error('part.not-stopped', { part: part.name, withinMs: stopWithin })
    break
  }
  deadline.clear()
  return isClean
}

const stopOne = async (part: Part, log: Log): Promise<'stopped' | 'failed'> => {
  try {
    await part.stop()
    log.debug('part.stopped', { part: part.name })
    return 'stopped'
  } catch (error) {
    log.error('part.stop-failed', { part: part.name }, error)
    return 'failed'
  }
}

const deadlineAfter = (duration: Duration) => {
  const { promise: passed, resolve } = Promise.withResolvers<'too-late'>()
  const timer = setTimeout(() => resolve('too-late'), duration)
  return { passed, clear: () => clearTimeout(timer) }
}

const watchSignals = (host: HostProcess, log: Log) => {
  const stopping = new AbortController()
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  let firstAtMs: number | undefined
  const onSignal = (signal: string, number: number): void => {
    const nowMs = performance.now()
    if (firstAtMs === undefined) {
      firstAtMs = nowMs
      log.info('process.stopping', { signal })
      stopping.abort()
      resolve()
    } else if (nowMs - firstAtMs > SAME_WISH_MS) {
      log.warn('process.ended-by-second-signal', { signal })
      host.exit(128 + number)
    }
  }
  const listeners = Object.entries(SIGNAL_NUMBERS).map(([signal, number]) => ({
    signal,
    listener: () => onSignal(signal, number),
  }))
  for (const { signal, listener } of listeners) host.on(signal, listener)
  const unwatch = () => {
    for (const { signal, listener } of listeners) host.off(signal, listener)
  }
  return { stopping: stopping.signal, stopped, unwatch }
}

const watchFaults = (host: HostProcess, log: Log) => {
  const onFault = (event: string) => (error: unknown) => {
    log.error(event, {}, error)
    host.exit(EXIT_FAULT)
  }
  const onException = onFault('process.uncaught-exception')
  const onRejection = onFault('process.unhandled-rejection')
  host.on('uncaughtException', onException)
  host.on('unhandledRejection', onRejection)
  const unwatch = () => {
    host.off('uncaughtException', onException)
    host.off('unhandledRejection', onRejection)
  }
  return { unwatch }
}
