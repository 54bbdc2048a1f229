// One connection to a peer, and one question on it at a time. Whatever comes back is a whole JSON answer within its
// bounds, or a Refusal; after any Refusal the connection is gone.

import { Agent, type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'
import type { PeerQuestion, PeerReply } from '../federation/index.ts'
import { parseStrictJson } from '../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { type PeerSocket, REFUSED_HEADER } from './peer-tls.ts'

/** A refusal, and whether the peer had begun to answer. */
export interface Unanswered {
  readonly refusal: Refusal
  /** Nothing came back: the question may be asked again elsewhere. */
  readonly wasSilent: boolean
  readonly wasLate: boolean
}

export const isUnanswered = (outcome: object): outcome is Unanswered => 'refusal' in outcome

export interface PeerConnection {
  readonly peer: PeerSocket
  /** Never rejects. One question at a time: whoever asks sees to that. */
  ask(question: PeerQuestion, withinMs: number): Promise<PeerReply | Unanswered>
  readonly isGone: boolean
  close(): void
}

/** Node's HTTP client wants an agent to keep a connection: this one knows exactly one. */
class OneConnection extends Agent {
  readonly #socket: Duplex

  constructor(socket: Duplex) {
    super({ keepAlive: true, maxSockets: 1 })
    this.#socket = socket
  }

  override createConnection(): Duplex {
    return this.#socket
  }
}

export const createPeerConnection = (
  peer: PeerSocket,
  answerMaxBytes: number,
  onGone: () => void,
): PeerConnection => {
  const agent = new OneConnection(peer.socket)
  let isGone = false
  const close = (): void => {
    isGone = true
    peer.socket.destroy()
  }
  peer.socket.once('close', () => {
    isGone = true
    agent.destroy()
    onGone()
  })
  // The agent has a listener while it keeps the socket; this one is there always.
  peer.socket.on('error', () => peer.socket.destroy())
  return {
    peer,
    async ask(question, withinMs) {
      const outcome = await exchange({ agent, peer, question, withinMs, answerMaxBytes })
      if ('reply' in outcome && outcome.isLast) close()
      if (isUnanswered(outcome)) close()
      return isUnanswered(outcome) ? outcome : outcome.reply
    },
    get isGone() {
      return isGone
    },
    close,
  }
}

interface Exchange {
  readonly agent: Agent
  readonly peer: PeerSocket
  readonly question: PeerQuestion
  readonly withinMs: number
  readonly answerMaxBytes: number
}

/** An answer, and whether the peer will take no other question on this connection. */
interface Answered {
  readonly reply: PeerReply
  readonly isLast: boolean
}

const exchange = (wanted: Exchange): Promise<Answered | Unanswered> =>
  new Promise((resolve) => {
    const { peer, question } = wanted
    const text = JSON.stringify(question.body)
    let wasSilent = true
    const fail = (code: Refusal['refused'], about?: string, wasLate = false): void => {
      clearTimeout(timer)
      resolve({ refusal: refuse(code, about ?? peer.peer.domain), wasSilent, wasLate })
    }
    const timer = setTimeout(
      () => fail('federation.peer-timed-out', undefined, true),
      wanted.withinMs,
    )
    const outgoing = request({
      agent: wanted.agent,
      method: 'POST',
      host: peer.peer.domain,
      path: question.path,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        trackingid: question.trackingId,
      },
    })
    outgoing.on('error', () => fail('federation.peer-broken'))
    outgoing.on('response', (incoming) => {
      wasSilent = false
      const refused = incoming.headers[REFUSED_HEADER]
      if (refused !== undefined) return fail('federation.refused-by-peer', wordOf(refused))
      readAnswer(incoming, wanted.answerMaxBytes, (outcome) => {
        if ('refused' in outcome) return fail(outcome.refused)
        clearTimeout(timer)
        const reply = { status: incoming.statusCode ?? 0, body: outcome.value }
        resolve({ reply, isLast: !outgoing.shouldKeepAlive })
      })
    })
    outgoing.end(text)
  })

/** The peer's own word for why, if it looks like one of ours. */
const wordOf = (raw: string | readonly string[]): string | undefined =>
  typeof raw === 'string' && /^[a-z.-]{1,80}$/.test(raw) ? raw : undefined

const readAnswer = (
  incoming: IncomingMessage,
  most: number,
  onOutcome: (outcome: { readonly value: unknown } | Refusal) => void,
): void => {
  const chunks: Buffer[] = []
  let bytes = 0
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= most) return void chunks.push(chunk)
    onOutcome(refuse('federation.answer-too-large'))
    incoming.destroy()
  })
  incoming.on('error', () => onOutcome(refuse('federation.peer-broken')))
  incoming.on('end', () => {
    if (!incoming.complete) return onOutcome(refuse('federation.peer-broken'))
    const parsed = parseStrictJson(Buffer.concat(chunks).toString('utf8'))
    onOutcome(isRefusal(parsed) ? refuse('federation.answer-malformed') : parsed)
  })
}
