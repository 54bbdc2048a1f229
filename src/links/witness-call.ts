// One call to a witness of our log (C2SP tlog-witness): bounded in time and in size, no redirect followed. HTTPS, or
// plain HTTP on loopback, as the settings allow. It judges nothing of what is answered.

import { request as requestPlain } from 'node:http'
import { type Agent, request } from 'node:https'
import type { WitnessAnswer } from '../audit/index.ts'
import { type Duration, seconds } from '../time.ts'
import { createHttpsAgent } from './https-request.ts'
import type { HttpProxy } from './proxy.ts'

export interface WitnessPlace {
  /** What `/add-checkpoint` is put behind. */
  readonly url: string
  /** PEM; the system's authorities without it. */
  readonly caPem?: string
  readonly timeout?: Duration
  /** For HTTPS; plain HTTP stays on loopback. */
  readonly proxy?: HttpProxy
}

/** A few signature lines; one of ML-DSA-44 has 3.4 kB. */
const ANSWER_MAX_BYTES = 32 * 1024
const TIMEOUT = seconds(5)

/** How to ask the witness at a place. What it returns never rejects. */
export const witnessAt = ({ url, caPem, proxy, timeout = TIMEOUT }: WitnessPlace) => {
  const target = `${url.replace(/\/+$/, '')}/add-checkpoint`
  const agent = target.startsWith('https:') ? createHttpsAgent(caPem, proxy) : undefined
  return (body: string): Promise<WitnessAnswer> => post(target, body, timeout, agent)
}

const post = (
  target: string,
  body: string,
  timeout: Duration,
  agent: Agent | undefined,
): Promise<WitnessAnswer> =>
  new Promise((resolve) => {
    const options = {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      // Covers the whole exchange: a slow drip must end too.
      signal: AbortSignal.timeout(timeout),
    }
    const outgoing =
      agent === undefined ? requestPlain(target, options) : request(target, { ...options, agent })
    const fail = (problem: 'unreachable' | 'timed-out' | 'oversized'): void => {
      resolve({ problem })
      outgoing.destroy()
    }
    const onError = (error: Error): void =>
      fail(/^(?:Abort|Timeout)Error$/.test(error.name) ? 'timed-out' : 'unreachable')
    outgoing.on('error', onError)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      let sizeBytes = 0
      incoming.on('error', onError)
      incoming.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length
        if (sizeBytes > ANSWER_MAX_BYTES) fail('oversized')
        else chunks.push(chunk)
      })
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    outgoing.end(body)
  })
