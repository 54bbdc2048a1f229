// A reporter for `node --test` that stays silent about what passed and tells all about what failed.

import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

const where = (file: string | undefined, line: number | undefined): string =>
  file === undefined ? '' : ` (${relative(process.cwd(), file)}:${line ?? 1})`

/** A suite fails because a test in it failed; only the test itself has something to say. */
const isOwnFailure = (error: unknown): boolean =>
  !(typeof error === 'object' && error !== null && 'failureType' in error) ||
  error.failureType !== 'subtestsFailed'

const causeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'cause' in error ? error.cause : error

// biome-ignore lint/style/noDefaultExport: node looks for a reporter under this name.
export default async function* failures(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message
    if (type !== 'test:fail' || data.todo !== undefined || !isOwnFailure(data.details.error))
      continue
    const told = inspect(causeOf(data.details.error), { depth: 6 }).replaceAll(/^/gm, '    ')
    yield `  FAILED ${data.name}${where(data.file, data.line)}\n${told}\n`
  }
}
