// What a row of figures says: percentiles and how two of them compare. Pure; it rounds nothing and hides nothing.

export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly most: number
}

/** Nearest rank: the smallest figure that at least `share` of all figures do not exceed. NaN for none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

export function spreadOf(figures: Iterable<number>): Spread {
  const sorted = Float64Array.from(figures).sort()
  return {
    count: sorted.length,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    most: percentile(sorted, 1),
  }
}

/** `part` of `whole`; NaN where there is nothing to compare with. */
export function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : Number.NaN
}
