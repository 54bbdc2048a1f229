// Prometheus metrics. Names are built here so that all read `realm_<room>_<thing>_<unit>`; label values
// come from closed sets, never from a request: no id, no host, no text of a caller becomes a series.

import prometheus from 'prom-client'

export type Unit = 'count' | 'seconds' | 'bytes' | 'ratio'

/** Label name → the values it may have. */
export type LabelSets = Readonly<Record<string, readonly string[]>>

/** A metric without labels; its label object is `{}`. */
export type NoLabels = Readonly<Record<never, readonly string[]>>

export type LabelsOf<Sets extends LabelSets> = { readonly [Name in keyof Sets]: Sets[Name][number] }

export interface MetricName<Sets extends LabelSets> {
  readonly room: string
  readonly thing: string
  readonly unit: Unit
  /** One sentence, shown to whoever reads the metrics. */
  readonly help: string
  readonly labels?: Sets
}

export interface Counter<Sets extends LabelSets> {
  add(labels: LabelsOf<Sets>, amount?: number): void
}

export interface Gauge<Sets extends LabelSets> {
  set(labels: LabelsOf<Sets>, value: number): void
}

export interface Histogram<Sets extends LabelSets> {
  observe(labels: LabelsOf<Sets>, value: number): void
}

export interface Metrics {
  counter<const Sets extends LabelSets = NoLabels>(name: MetricName<Sets>): Counter<Sets>
  gauge<const Sets extends LabelSets = NoLabels>(name: MetricName<Sets>): Gauge<Sets>
  /** A gauge that is read when the metrics are. `read` must be quick and must not throw. */
  gaugeOf(name: MetricName<NoLabels>, read: () => number): void
  histogram<const Sets extends LabelSets = NoLabels>(
    name: MetricName<Sets>,
    buckets?: readonly number[],
  ): Histogram<Sets>
  /** The Prometheus text and its content type. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>
}

export interface MetricsOptions {
  /** First word of every name: `realm` unless told. */
  readonly prefix?: string
  /** Also measure the process: memory, processor, event loop lag, garbage collection. */
  readonly process: 'measured' | 'ignored'
}

// From a tenth of a millisecond (a retrieval) to the six seconds after which real clients ask again.
const SECONDS_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 6, 12,
]
const BYTES_BUCKETS = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576]

/** A registry of its own; nothing is shared between two of them. */
export const createMetrics = ({ prefix = 'realm', process }: MetricsOptions): Metrics => {
  const register = new prometheus.Registry()
  if (process === 'measured') prometheus.collectDefaultMetrics({ register })
  const common = <Sets extends LabelSets>(name: MetricName<Sets>, suffix = '') => ({
    name: fullName(prefix, name, suffix),
    help: name.help,
    labelNames: Object.keys(name.labels ?? {}),
    registers: [register],
  })
  return {
    counter: (name) => {
      const counter = new prometheus.Counter(common(name, 'total'))
      return { add: (labels, amount = 1) => counter.inc(closed(name, labels), amount) }
    },
    gauge: (name) => {
      const gauge = new prometheus.Gauge(common(name))
      return { set: (labels, value) => gauge.set(closed(name, labels), value) }
    },
    gaugeOf: (name, read) => {
      const collect = function (this: prometheus.Gauge) {
        this.set(read())
      }
      new prometheus.Gauge({ ...common(name), collect })
    },
    histogram: (name, buckets) => {
      const byUnit = name.unit === 'bytes' ? BYTES_BUCKETS : SECONDS_BUCKETS
      const histogram = new prometheus.Histogram({
        ...common(name),
        buckets: [...(buckets ?? byUnit)],
      })
      return { observe: (labels, value) => histogram.observe(closed(name, labels), value) }
    },
    text: async () => ({ contentType: register.contentType, body: await register.metrics() }),
  }
}

const WORDS = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/

/** `realm_links_received_bytes_total`; a counter of things drops the word `count`. */
const fullName = (prefix: string, name: MetricName<LabelSets>, suffix: string): string => {
  const unit = suffix === 'total' && name.unit === 'count' ? '' : name.unit
  const full = [prefix, name.room, name.thing, unit, suffix].filter((word) => word !== '').join('_')
  if (!WORDS.test(full)) throw new TypeError('a metric name is made of words in lower case')
  return full
}

/** A value from outside the closed set is counted as `other`: a metric never fails a request. */
const closed = (
  { labels }: MetricName<LabelSets>,
  given: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels ?? {}).map(([name, values]) => {
      const value = given[name]
      return [name, value !== undefined && values.includes(value) ? value : 'other']
    }),
  )
