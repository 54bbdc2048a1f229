// The read-only audit log for auditors and witnesses: entries in order, as they were hashed.
// It changes nothing and asks nobody who they are, so it is loopback unless opened on purpose.

import type { LogEntry, LogPage } from '../admin/index.ts'
import { type AppOptions, createApp, type ListenerApp, refuseOtherMethods } from './app.ts'
import { entriesToJson, parsePage } from './page.ts'
import { problem } from './problem.ts'

export interface LogAppOptions extends AppOptions {
  /** Entries after a sequence, in order. Reading the log is itself recorded by whoever implements it. */
  readonly entries: (page: LogPage) => Promise<readonly LogEntry[]>
}

/** `GET /log/entries?after=&limit=` */
export const createLogApp = (options: LogAppOptions): ListenerApp => {
  const app = createApp(options)
  app.get('/log/entries', async (asked) => {
    const page = parsePage(new URL(asked.req.url).searchParams)
    if (page === undefined) return problem('http.invalid-query')
    return asked.json(entriesToJson(await options.entries(page)))
  })
  refuseOtherMethods(app, '/log/entries', 'GET, HEAD')
  return app
}
