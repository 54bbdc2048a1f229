// A reporter for `node --test` that writes one JSON object: how many tests passed, failed and were skipped.

import type { TestEvent } from 'node:test/reporters'

export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

// biome-ignore lint/style/noDefaultExport: node looks for a reporter under this name.
export default async function* totals(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    // Only the last summary is about all files.
    if (type !== 'test:summary' || data.file !== undefined) continue
    const { tests, passed, skipped, todo } = data.counts
    const sums: Totals = {
      passed,
      failed: tests - passed - skipped - todo,
      skipped: skipped + todo,
    }
    yield JSON.stringify(sums)
  }
}
