// One HTTPS request with a JSON answer, bounded in time and size. It refuses plain HTTP, follows no redirect, and
// never shows the answer's text in an error: whatever went wrong is one of a few closed reasons.

import { type Agent, request } from 'node:https'
import type { Duration } from '../time.ts'
import { createAgent, type HttpProxy } from './proxy.ts'

export type HttpsProblem =
  | 'not-https'
  | 'unreachable'
  | 'timed-out'
  | 'oversized'
  | 'not-json'
  | 'status'

export interface HttpsFailure {
  readonly problem: HttpsProblem
  /** Of the answer, where there was one. */
  readonly status?: number
}

export interface JsonAnswer {
  readonly json: unknown
}

export interface HttpsRequest {
  readonly url: string
  readonly agent: Agent
  readonly timeout: Duration
  readonly answerMaxBytes: number
  /** Sent as `application/x-www-form-urlencoded` by POST; without it the request is a GET. */
  readonly form?: Readonly<Record<string, string>>
  readonly authorization?: string
}

export const isHttpsFailure = (answer: JsonAnswer | HttpsFailure): answer is HttpsFailure =>
  'problem' in answer

/** An agent that trusts the given PEM authorities only, or the system's when there are none. */
export const createHttpsAgent = (caPem: string | undefined, proxy?: HttpProxy): Agent =>
  createAgent(proxy, {
    keepAlive: true,
    maxSockets: 32,
    minVersion: 'TLSv1.2',
    ...(caPem === undefined ? {} : { ca: caPem }),
  })

export const isHttpsUrl = (raw: unknown): raw is string =>
  typeof raw === 'string' && URL.canParse(raw) && new URL(raw).protocol === 'https:'

/** The JSON of a 200 answer, or why there is none. Never rejects. */
export const requestJson = async (wanted: HttpsRequest): Promise<JsonAnswer | HttpsFailure> => {
  if (!isHttpsUrl(wanted.url)) return { problem: 'not-https' }
  const answer = await exchange(wanted)
  if ('problem' in answer) return answer
  try {
    const json: unknown = JSON.parse(answer.body)
    return { json }
  } catch {
    return { problem: 'not-json' }
  }
}

function exchange(wanted: HttpsRequest): Promise<{ readonly body: string } | HttpsFailure> {
  const body = wanted.form && new URLSearchParams(wanted.form).toString()
  return new Promise((resolve) => {
    const outgoing = request(wanted.url, {
      agent: wanted.agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: headersOf(wanted, body),
      // Covers the whole exchange, not only silence on the socket: a slow drip must end too.
      signal: AbortSignal.timeout(wanted.timeout),
    })
    const fail = (failure: HttpsFailure): void => {
      resolve(failure)
      outgoing.destroy()
    }
    outgoing.on('error', (error) =>
      fail({ problem: isTimeout(error) ? 'timed-out' : 'unreachable' }),
    )
    outgoing.on('response', (incoming) => {
      const status = incoming.statusCode ?? 0
      if (status !== 200) return fail({ problem: 'status', status })
      const chunks: Buffer[] = []
      let sizeBytes = 0
      incoming.on('error', (error) =>
        fail({ problem: isTimeout(error) ? 'timed-out' : 'unreachable' }),
      )
      incoming.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length
        if (sizeBytes > wanted.answerMaxBytes) return fail({ problem: 'oversized' })
        chunks.push(chunk)
      })
      incoming.on('end', () => resolve({ body: Buffer.concat(chunks).toString('utf8') }))
    })
    outgoing.end(body)
  })
}

function headersOf(wanted: HttpsRequest, body: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    ...(wanted.authorization === undefined ? {} : { authorization: wanted.authorization }),
    ...(body === undefined
      ? {}
      : {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(body)),
        }),
  }
}

function isTimeout(error: Error): boolean {
  return error.name === 'AbortError' || error.name === 'TimeoutError'
}
