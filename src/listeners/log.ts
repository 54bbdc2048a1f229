// The read-only audit log for auditors and witnesses, as static files (C2SP tlog-tiles) below `/log/`, and
// in pages for people. It changes nothing and asks nobody who they are, so it is loopback unless opened. (Beside
// it the witness's call, if the realm is one.)

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { LogEntry, LogPage } from '../admin/index.ts'
import { type AddCheckpoint, parseTilePath, type Tile } from '../audit/index.ts'
import { type AppOptions, createApp, type ListenerApp, refuseOtherMethods } from './app.ts'
import { entriesToJson, parsePage } from './page.ts'
import { problem } from './problem.ts'
import { serveWitness } from './witness.ts'

export interface LogAppOptions extends AppOptions {
  /** Entries after a sequence, in order. Reading the log is itself recorded by whoever implements it. */
  readonly entries: (page: LogPage) => Promise<readonly LogEntry[]>
  /** The newest signed note; undefined before the first. */
  readonly checkpoint: () => Promise<string | undefined>
  /** The newest that enough witnesses have co-signed. */
  readonly witnessed: () => Promise<string | undefined>
  /** How the keys of before vouch for the next, by number from 1; undefined for none. */
  readonly rotation: (number: number) => Promise<string | undefined>
  /** Undefined for what is not published. Handing out entries is recorded by whoever implements it. */
  readonly tile: (tile: Tile) => Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Where the realm is a witness of others' logs. */
  readonly addCheckpoint?: (raw: string) => Promise<AddCheckpoint>
}

const PREFIX = '/log/'
/** A tile of a given width never changes. */
const FOREVER = 'public, max-age=31536000, immutable'
const compress = promisify(gzip)

/** Entries are text and worth compressing; hashes are not. */
const tileResponse = async (
  { level }: Tile,
  bytes: Uint8Array<ArrayBuffer>,
  accepts: string | undefined,
): Promise<Response> => {
  const headers = { 'content-type': 'application/octet-stream', 'cache-control': FOREVER }
  if (level !== 'entries') return new Response(bytes, { headers })
  const vary = { ...headers, vary: 'accept-encoding' }
  if (!/\bgzip\b(?!;\s*q=0(?:\.0*)?(?:,|$))/.test(accepts ?? '')) {
    return new Response(bytes, { headers: vary })
  }
  return new Response(new Uint8Array(await compress(bytes)), {
    headers: { ...vary, 'content-encoding': 'gzip' },
  })
}

const noteResponse = (note: string | undefined): Response => {
  if (note === undefined) return problem('http.not-found')
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' }
  return new Response(note, { headers })
}

/** `GET /log/checkpoint`, `/log/checkpoint.witnessed`, `/log/rotation/…`, `/log/tile/…`, `/log/tile/entries/…`, `/log/entries?after=&limit=` */
export const createLogApp = (options: LogAppOptions): ListenerApp => {
  const app = createApp(options)
  app.get('/log/checkpoint', async () => noteResponse(await options.checkpoint()))
  app.get('/log/checkpoint.witnessed', async () => noteResponse(await options.witnessed()))
  app.get('/log/rotation/*', async (asked) => {
    const number = /^\/log\/rotation\/([1-9]\d{0,3})$/.exec(asked.req.path)?.[1]
    return noteResponse(number === undefined ? undefined : await options.rotation(Number(number)))
  })
  app.get('/log/tile/*', async (asked) => {
    const tile = parseTilePath(asked.req.path.slice(PREFIX.length))
    const bytes = tile === undefined ? undefined : await options.tile(tile)
    if (tile === undefined || bytes === undefined) return problem('http.not-found')
    return tileResponse(tile, bytes, asked.req.header('accept-encoding'))
  })
  app.get('/log/entries', async (asked) => {
    const page = parsePage(new URL(asked.req.url).searchParams)
    if (page === undefined) return problem('http.invalid-query')
    return asked.json(entriesToJson(await options.entries(page)))
  })
  const readOnly = [
    '/log/checkpoint',
    '/log/checkpoint.witnessed',
    '/log/rotation/*',
    '/log/tile/*',
    '/log/entries',
  ]
  for (const path of readOnly) refuseOtherMethods(app, path, 'GET, HEAD')
  if (options.addCheckpoint !== undefined) serveWitness(app, options.addCheckpoint)
  return app
}
