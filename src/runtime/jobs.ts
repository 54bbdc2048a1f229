// Work that repeats. A job never overlaps itself: the next run is planned when the last one ended.
// A run that fails is logged and counted, and the job goes on. Starting late is normal, never twice.

import type { Duration } from '../time.ts'
import { startStopwatch } from './clock.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

export interface Job {
  /** `sweep-sessions`; from a closed set, because it becomes a metric label. */
  readonly name: string
  readonly interval: Duration
  /** One bounded run. The signal tells it to end early because the process stops. */
  run(stopping: AbortSignal): Promise<void>
}

export interface Jobs {
  start(): void
  /** Plans no further run, tells running ones to end, and resolves when they have. */
  stop(): Promise<void>
}

export interface JobsOptions {
  readonly jobs: readonly Job[]
  readonly log: Log
  readonly metrics: Metrics
  /** From 0 to 1; spreads runs so that nodes do not work in step. */
  readonly jitter?: () => number
}

const OUTCOMES = ['done', 'failed'] as const
const JITTER_SHARE = 0.2

export const createJobs = ({ jobs, log, metrics, jitter = Math.random }: JobsOptions): Jobs => {
  const record = recorder(jobs, log, metrics)
  const stopping = new AbortController()
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()

  const plan = (job: Job): void => {
    if (stopping.signal.aborted) return
    const delayMs = job.interval * (1 + JITTER_SHARE * (jitter() - 0.5))
    const timer = setTimeout(() => {
      timers.delete(timer)
      const run = runOnce(job, stopping.signal, record).then(() => {
        running.delete(run)
        plan(job)
      })
      running.add(run)
    }, delayMs)
    timers.add(timer)
  }

  return {
    start: () => {
      for (const job of jobs) plan(job)
    },
    stop: async () => {
      stopping.abort()
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
      await Promise.all(running)
    },
  }
}

type Recorder = (job: Job, elapsedSeconds: number, failure?: { readonly error: unknown }) => void

const runOnce = async (job: Job, stopping: AbortSignal, record: Recorder): Promise<void> => {
  const stopwatch = startStopwatch()
  // One of the four borders where an error ends: a job (architecture, error model).
  try {
    await job.run(stopping)
    record(job, stopwatch.elapsedSeconds())
  } catch (error) {
    record(job, stopwatch.elapsedSeconds(), { error })
  }
}

const recorder = (jobs: readonly Job[], log: Log, metrics: Metrics): Recorder => {
  const names = jobs.map(({ name }) => name)
  const runs = metrics.counter({
    room: 'runtime',
    thing: 'job_runs',
    unit: 'count',
    help: 'Runs of repeating jobs, by outcome.',
    labels: { job: names, outcome: OUTCOMES },
  })
  const durations = metrics.histogram({
    room: 'runtime',
    thing: 'job',
    unit: 'seconds',
    help: 'How long runs of repeating jobs take.',
    labels: { job: names },
  })
  return (job, elapsedSeconds, failure) => {
    runs.add({ job: job.name, outcome: failure === undefined ? 'done' : 'failed' })
    durations.observe({ job: job.name }, elapsedSeconds)
    if (failure !== undefined) log.error('job.failed', { job: job.name }, failure.error)
  }
}
