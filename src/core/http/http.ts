// The HTTP surface: every request is authenticated, measured and answered with JSON or problem details. Where
// an error ends: the caller learns a tracking id, the log the error, and neither learns a body.

import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { isWord } from '../../boundary/index.ts'
import type { Surroundings } from '../ports.ts'
import { type Body, type BodyLimits, readJson } from './body.ts'
import type { Caller } from './caller.ts'
import { isProblem, type Problem, problem, toProblemResponse } from './problem.ts'
import type { Tokens } from './tokens.ts'

/** One authenticated request. */
export interface Call {
  readonly caller: Caller
  readonly trackingId: string
  /** A parameter of the path. */
  param(name: string): string
  /** A parameter of the query, if it is there. */
  query(name: string): string | undefined
  header(name: string): string | undefined
  body(): Promise<Body | Problem>
}

export type Answer = Response | Problem

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  /** What it counts as. */
  readonly name: string
  answer(call: Call): Promise<Answer>
}

export interface HttpRules {
  readonly tokens: Tokens
  readonly body: BodyLimits
  readonly surroundings: Surroundings
  /** True while the process stops: nothing new is begun. */
  readonly isStopping: () => boolean
}

type Env = { Bindings: HttpBindings }

export const createHttpApp = (routes: readonly Route[], rules: HttpRules): Hono<Env> => {
  const app = new Hono<Env>()
  for (const route of routes) {
    app.on(route.method, route.path, (context) => serve(context, route, rules))
  }
  app.notFound((context) => serve(context, UNKNOWN, rules))
  return app
}

const UNKNOWN: Pick<Route, 'name' | 'answer'> = {
  name: 'unknown',
  answer: async () => problem('core.not-found'),
}

type Served = Pick<Route, 'name' | 'answer'>

const serve = async (context: Context<Env>, route: Served, rules: HttpRules): Promise<Response> => {
  const { log, meter, newId } = rules.surroundings
  const startMs = performance.now()
  const sent = context.req.header('trackingid')
  const trackingId = isWord(sent) ? sent : newId()
  const answer = await answerOf(context, route, { rules, trackingId }).catch((error: unknown) => {
    log.error('http.fault', { route: route.name, trackingId }, error)
    return problem('core.fault')
  })
  const response = isProblem(answer) ? toProblemResponse(answer, trackingId) : answer
  if (isProblem(answer))
    log.info('http.refused', { route: route.name, trackingId, code: answer.problem })
  meter.request(route.name, response.status, performance.now() - startMs)
  return response
}

interface Asked {
  readonly rules: HttpRules
  readonly trackingId: string
}

const answerOf = async (
  context: Context<Env>,
  route: Served,
  { rules, trackingId }: Asked,
): Promise<Answer> => {
  if (rules.isStopping()) return problem('core.stopping')
  const caller = await rules.tokens.callerOf(context.req.header('authorization'))
  if (isProblem(caller)) return caller
  return await route.answer({
    caller,
    trackingId,
    param: (name) => context.req.param(name) ?? '',
    query: (name) => context.req.query(name),
    header: (name) => context.req.header(name),
    body: () => readJson(context.env.incoming, rules.body),
  })
}

/** JSON, with the status given. */
export const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } })
