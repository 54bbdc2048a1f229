// One peer's stay on our side, and how many may come at once: no peer, whoever it says it is, takes all the places, more time than
// a question has, or a second question before its first is answered.

import { type Refusal, refuse } from '../refusal.ts'
import type { PeerSocket } from './peer-tls.ts'

export interface VisitLimits {
  /** Connections that have not proved anything yet. */
  readonly handshakes: number
  /** Those of one name that the core gave, or of one address. */
  readonly handshakesOfOne: number
  /** From the first byte of a body to its last; and for an answer to be read. */
  readonly requestWithinMs: number
  /** Between requests. */
  readonly idleMs: number
}

export interface Arrival {
  /** Who the core says that they are, if they came through the core. */
  readonly claimed?: string
  /** Where they came from, if they came without. */
  readonly address?: string
}

/** Who is in the middle of a handshake. */
export const createCrowd = ({ handshakes, handshakesOfOne }: VisitLimits) => {
  const ofOne = new Map<string, number>()
  let all = 0
  const nameOf = ({ claimed, address }: Arrival): string => claimed ?? address ?? ''
  const count = (name: string, change: 1 | -1): void => {
    all += change
    const left = (ofOne.get(name) ?? 0) + change
    if (left === 0) ofOne.delete(name)
    else ofOne.set(name, left)
  }
  return {
    isFull: (arrival: Arrival): boolean =>
      all >= handshakes || (ofOne.get(nameOf(arrival)) ?? 0) >= handshakesOfOne,
    enter(arrival: Arrival): () => void {
      const name = nameOf(arrival)
      count(name, 1)
      return () => count(name, -1)
    },
  }
}

export interface PeerVisit {
  readonly peer: PeerSocket
  /** A request begins: why it may not. */
  begin(): Refusal | undefined
  /** The answer is about to leave: from then on the peer may ask again. */
  answering(): void
  idle(): void
  /** Told, and over. */
  cut(no: Refusal): void
  /** Told; what is left of the exchange goes on. */
  refuse(no: Refusal): void
  close(): void
}

/** One request at a time, and never longer idle, or about a request, than the limits say. */
export const createVisit = (
  peer: PeerSocket,
  limits: VisitLimits,
  onRefused: (no: Refusal) => void,
): PeerVisit => {
  const { socket } = peer
  let isBusy = false
  let timer: NodeJS.Timeout | undefined
  const cut = (no: Refusal): void => {
    if (!socket.destroyed) onRefused(no)
    socket.destroy()
  }
  const wait = (ms: number, onOver: () => void): void => {
    clearTimeout(timer)
    timer = setTimeout(onOver, ms)
    timer.unref()
  }
  const rest = (): void => wait(limits.idleMs, () => socket.destroy())
  rest()
  return {
    peer,
    begin() {
      wait(limits.requestWithinMs, () => cut(refuse('federation.peer-timed-out')))
      // Our own client never sends a second question before the first is answered.
      if (isBusy) return refuse('federation.question-malformed')
      isBusy = true
      return peer.recheck()
    },
    answering() {
      isBusy = false
    },
    idle() {
      // The next request may have come before the last answer was seen to have left.
      if (!isBusy) rest()
    },
    cut,
    refuse: onRefused,
    close: () => clearTimeout(timer),
  }
}
