// What is known of one sealed message by the time it comes to the transaction. Each step of the
// corridor adds what it has proved; a case that was refused on the way still comes here, because a
// refusal is recorded like an act.

import type { AuthorizationUri, ClientId, SessionUri, UserId } from '../../id.ts'
import type { Principal } from '../../identity/index.ts'
import type { Operation, Request } from '../../protocol/index.ts'
import type { Refusal } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import type { Told } from '../foreign/foreign.ts'
import type { Joint } from '../joint/joint.ts'
import type { Agreement } from '../operations/create-session.ts'
import type { Session } from '../session.ts'

/** How a message came. */
export interface Received {
  readonly at: Instant
  readonly trackingId: string
  readonly sizeBytes: number
  /** Present where the core waits for the outcome. */
  readonly joint?: Joint
  /** The core's name for the operation of which a peer asks us to do the part that is ours. */
  readonly operationId?: string
}

/** Under which of the core's operations something is done, here or for a peer. */
export const operationIdOf = ({ joint, operationId }: Received): string | undefined =>
  joint?.id ?? operationId

/** A request whose channel and bearer have been verified. Not yet: whether it may be done. */
export interface Asked<Op extends Operation = Operation> {
  readonly received: Received
  readonly request: Request & { readonly operation: Op }
  readonly by: Principal
  /** As whom access is decided: the caller, or whom a compliance officer reads for. */
  readonly subject: UserId | AuthorizationUri
  readonly clientId: ClientId
  /** Absent for a handshake. */
  readonly session?: Session
  /** Present for a handshake: the agreed channel, not yet anybody's. */
  readonly agreement?: Agreement
  /** What other realms said when they were asked about it. */
  readonly told?: readonly Told[]
}

/** A message that was refused before it became a question to the KMS. */
export interface Turned {
  readonly received: Received
  readonly refusal: Refusal
  readonly sessionUri?: SessionUri
  readonly clientId?: ClientId
  readonly requestId?: string
  readonly method?: string
  readonly uri?: string
  readonly by?: Principal
  /** Whom an identified caller wanted to act for, in vain. */
  readonly onBehalfOf?: UserId
}

export type Case = Asked | Turned

export const isTurned = (one: Case): one is Turned => 'refusal' in one
export const isAsked = (one: Case): one is Asked => !isTurned(one)
