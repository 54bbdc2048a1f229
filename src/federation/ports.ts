// What federation needs of the world: a way to ask a peer that has proved its name, and to be asked by one. Both speak of
// bodies that are JSON values, already read and not yet believed. Certificates and bytes are the carrier's.

import type { PeerConnection } from '../identity/index.ts'
import type { Refusal } from '../refusal.ts'
import type { Instant } from '../time.ts'
import type { PeerDomain } from './domain.ts'

/** What inside TLS a peer can be asked; always POST, always JSON. */
export const PEER_PATHS = {
  /** A batch of the protocol's own request objects, each on behalf of one user of the peer that asks. */
  requests: '/federation/v1/requests',
  withdrawals: '/federation/v1/withdrawals',
  receipts: '/federation/v1/receipts',
  ping: '/federation/v1/ping',
} as const

/** What is known of a connection once both certificates were accepted; it goes into the audit entries of both sides. */
export type PeerConnectionFacts = PeerConnection

export interface PeerQuestion {
  readonly path: string
  readonly body: unknown
  /** The same in the entries of both realms. */
  readonly trackingId: string
}

export interface PeerReply {
  readonly status: number
  readonly body: unknown
}

export interface PeerLink {
  /**
   * One question to one peer, over a connection whose certificate proved its domain. Never rejects for the peer's fault:
   * refuses `federation.…`. It does not wait beyond `deadline`, and a reply that comes later is dropped.
   */
  ask(
    domain: PeerDomain,
    question: PeerQuestion,
    deadline: Instant,
  ): Promise<(PeerReply & { readonly connection: PeerConnectionFacts }) | Refusal>
}

/** Whom a certificate that was accepted names, and over what it came. */
export interface ProvenPeer {
  readonly domain: PeerDomain
  readonly connection: PeerConnectionFacts
}

/** Called for each request of a peer whose certificate was accepted. Never rejects. */
export type ServePeer = (peer: ProvenPeer, request: PeerQuestion) => Promise<PeerReply>
