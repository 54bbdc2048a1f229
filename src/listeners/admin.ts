// The admin API: every address needs the admin token, and each is one row of a table of actions.
// It decides nothing itself. Who may not pass learns nothing, not even which addresses exist.

import { type AppOptions, createApp, type ListenerApp, refuseOtherMethods } from './app.ts'
import { addressOf } from './limits.ts'
import { type ProblemCode, problem } from './problem.ts'

/** Tells an admin from everybody else. */
export interface AdminGate {
  /** Compares with the admin token; MUST take the same time for every wrong one. */
  isAdminToken(presented: string): boolean
  /** Somebody was refused: an entry for the audit log. */
  recordRefused(): Promise<void>
}

export interface AdminRequest {
  readonly query: URLSearchParams
  /** Empty for GET. The route owns it, and wipes it if it held a secret. */
  readonly body: Uint8Array
}

/** A JSON value, or the code of a problem. */
export type AdminAnswer = { readonly json: unknown } | { readonly problem: ProblemCode }

export interface AdminRoute {
  readonly method: 'GET' | 'POST'
  readonly path: `/admin/v1/${string}`
  answer(request: AdminRequest): Promise<AdminAnswer>
}

export interface AdminAppOptions extends AppOptions {
  readonly gate: AdminGate
  readonly routes: readonly AdminRoute[]
}

export const createAdminApp = (options: AdminAppOptions): ListenerApp => {
  const app = createApp(options)
  passOnlyAdmins(app, options)
  for (const route of options.routes) mount(app, route)
  for (const [path, methods] of methodsByPath(options.routes))
    refuseOtherMethods(app, path, methods)
  return app
}

// RFC 6750 §2.1: the scheme in any case, one space, a token of these characters.
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]{1,512}=*)$/i

const passOnlyAdmins = (app: ListenerApp, { gate, log }: AdminAppOptions): void => {
  app.use('*', async (asked, next) => {
    const presented = BEARER.exec(asked.req.header('authorization') ?? '')?.[1]
    if (presented !== undefined && gate.isAdminToken(presented)) return next()
    log.warn('admin.refused', { remote: addressOf(asked) })
    await gate.recordRefused()
    return problem('http.unauthenticated', { headers: { 'www-authenticate': 'Bearer' } })
  })
}

const mount = (app: ListenerApp, route: AdminRoute): void => {
  app.on(route.method, route.path, async (asked) => {
    const isPost = route.method === 'POST'
    const body = isPost ? new Uint8Array(await asked.req.arrayBuffer()) : new Uint8Array()
    if (body.length > 0 && !isJson(asked.req.header('content-type'))) {
      return problem('http.unsupported-media-type')
    }
    const answer = await route.answer({ query: new URL(asked.req.url).searchParams, body })
    return 'problem' in answer ? problem(answer.problem) : Response.json(answer.json)
  })
}

const isJson = (contentType: string | undefined): boolean =>
  /^application\/json(?:\s*;|$)/i.test(contentType ?? '')

const methodsByPath = (routes: readonly AdminRoute[]): ReadonlyMap<string, string> => {
  const methods = new Map<string, string>()
  for (const { path, method } of routes) {
    const known = methods.get(path)
    const named = method === 'GET' ? 'GET, HEAD' : method
    methods.set(path, known === undefined ? named : `${known}, ${named}`)
  }
  return methods
}
