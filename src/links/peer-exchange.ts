// One question of a peer over HTTP/1.1, and our answer: what is no question of this protocol is told so and ends the connection.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { PEER_PATHS, type PeerQuestion, type ServePeer } from '../federation/index.ts'
import { parseStrictJson } from '../protocol/index.ts'
import { isRefusal, refuse } from '../refusal.ts'
import type { PeerVisit } from './peer-visit.ts'

const TRACKING_ID = /^[\x21-\x7e]{1,128}$/
const PATHS = new Set<string>(Object.values(PEER_PATHS))

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export interface Answering {
  readonly serve: ServePeer
  readonly bodyBytes: number
}

/** Resolves when the peer has its answer or is gone. What `serve` throws is thrown. */
export const answerPeer = async (
  visit: PeerVisit,
  { request, response }: Exchange,
  { serve, bodyBytes }: Answering,
): Promise<void> => {
  const question = await readQuestion(request, bodyBytes)
  if (question === 'gone') return
  if (typeof question === 'number') {
    visit.refuse(refuse('federation.question-malformed'))
    return refuseQuestion(response, question)
  }
  // Trust may have changed while the body was on its way.
  const no = visit.peer.recheck()
  if (no !== undefined) return visit.cut(no)
  const { status, body } = await serve(visit.peer.peer, question)
  visit.answering()
  await reply(response, status, body)
}

/** The connection ends with it: a body may still be on its way. */
export const refuseQuestion = (response: ServerResponse, status: number): Promise<void> => {
  response.setHeader('connection', 'close')
  return reply(response, status, {})
}

/** The question, or the HTTP status of why it is none. */
const readQuestion = async (
  request: IncomingMessage,
  bodyBytes: number,
): Promise<PeerQuestion | number | 'gone'> => {
  const path = request.url ?? ''
  const trackingId = request.headers['trackingid']
  if (request.method !== 'POST' || !PATHS.has(path)) return 404
  if (typeof trackingId !== 'string' || !TRACKING_ID.test(trackingId)) return 400
  const body = await readBody(request, bodyBytes)
  if (typeof body !== 'object') return body
  const parsed = parseStrictJson(body.text)
  return isRefusal(parsed) ? 400 : { path, body: parsed.value, trackingId }
}

const readBody = async (
  request: IncomingMessage,
  most: number,
): Promise<{ readonly text: string } | 413 | 'gone'> => {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      bytes += chunk.length
      if (bytes > most) return 413
      chunks.push(chunk)
    }
  } catch {
    // It broke off: connections do.
    return 'gone'
  }
  return { text: Buffer.concat(chunks).toString('utf8') }
}

/** Resolves once the peer has read it or is gone. */
const reply = (response: ServerResponse, status: number, body: unknown): Promise<void> => {
  const text = JSON.stringify(body)
  const length = Buffer.byteLength(text)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length })
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.end(text)
  })
}
