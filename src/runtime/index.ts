// The door of runtime: clock, log, metrics, jobs, shutdown. Used on both sides of the wall, so it
// imports nothing but the ground files.

export type { Clock, Stopwatch } from './clock.ts'
export { startStopwatch, systemClock } from './clock.ts'
export { type Gather, gatherWrites } from './gather.ts'
export type { Job, Jobs, JobsOptions } from './jobs.ts'
export { createJobs } from './jobs.ts'
export type { HostProcess, LifecycleOptions, Part } from './lifecycle.ts'
export {
  EXIT_FAULT,
  EXIT_NOT_STARTED,
  EXIT_STOPPED,
  EXIT_UNCLEAN,
  runUntilStopped,
} from './lifecycle.ts'
export type { Log, LogField, LogFields, LogLevel, LogOptions } from './log.ts'
export { createLog, silentLog } from './log.ts'
export type {
  Counter,
  Gauge,
  Histogram,
  LabelSets,
  LabelsOf,
  MetricName,
  Metrics,
  MetricsOptions,
  NoLabels,
  Unit,
} from './metrics.ts'
export { createMetrics } from './metrics.ts'
