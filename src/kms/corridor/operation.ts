// The shape of every operation: load, decide, act, record. `decide` and `record` are pure; only
// `load` and `act` touch the transaction, and neither ever sees an unwrapped stored key. Requests of
// one operation that cannot disturb each other run together, so that many cost few round trips.

import type { Act, ObjectType } from '../../audit/index.ts'
import type { Random } from '../../crypto/index.ts'
import type { ResourceUri } from '../../id.ts'
import type { Operation, OperationName, Uris } from '../../protocol/index.ts'
import type { Refusal } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { type ForeignHome, mayAskPeers, type PeerAsk } from '../foreign/foreign.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { Transaction } from '../ports.ts'
import type { KmsSettings } from '../settings.ts'
import type { Answer } from './answer.ts'
import type { Asked } from './case.ts'

/** What operations may use besides the transaction. */
export interface Means {
  readonly settings: KmsSettings
  readonly uris: Uris
  readonly random: Random
  readonly keyring: Keyring
  /** Absent: other realms are not asked, and not answered. */
  readonly foreign?: ForeignHome
}

export interface Moment {
  readonly tx: Transaction
  readonly now: Instant
  readonly means: Means
}

export type OperationOf<Name extends OperationName> = Extract<Operation, { readonly name: Name }>

export interface Decided<Op extends Operation, Facts> {
  readonly asked: Asked<Op>
  readonly facts: Facts
}

/** What the audit entry says of an act beyond who and when. */
export type Recorded = Pick<
  Act,
  'action' | 'type' | 'keys' | 'resource' | 'authorizations' | 'subjects' | 'uses' | 'details'
> & { readonly type: ObjectType }

export interface Deed<Op extends Operation, Facts> {
  /** May neighbouring requests of this operation run as one, none seeing the others' effects? */
  readonly runsTogether: boolean
  /** One set of facts per request, in order. */
  load(moment: Moment, asked: readonly Asked<Op>[]): Promise<readonly Facts[]>
  /** What other realms have to be asked before it can be decided. Not asked of whom `mayAskPeers` refuses, nor twice. */
  awaits?(facts: Facts, asked: Asked<Op>, moment: Moment): readonly PeerAsk[]
  decide(facts: Facts, asked: Asked<Op>, moment: Moment): Refusal | undefined
  /** One answer per decided request, in order. */
  act(moment: Moment, decided: readonly Decided<Op, Facts>[]): Promise<readonly Answer[]>
  /** `answer` is absent where the request was refused. */
  record(facts: Facts, asked: Asked<Op>, answer: Answer | undefined): Recorded
}

export interface Verdict {
  readonly outcome: Answer | Refusal
  readonly recorded: Recorded
  /** Not decided at all: first these are asked, and `outcome` says nothing yet. */
  readonly awaits?: readonly PeerAsk[]
  /** Refused to a peer that may vouch for its user on one of these, which are its own. */
  readonly through?: readonly ResourceUri[]
}

/** A deed with its own types closed over, so that one table can hold them all. */
export interface Runner {
  readonly runsTogether: boolean
  run(moment: Moment, asked: readonly Asked[]): Promise<readonly Verdict[]>
}

/** What stands in for the outcome of a request that waits for a peer. */
const WAITING: Answer = { status: 202, members: {} }

export const waiting = (awaits: readonly PeerAsk[]): Verdict => {
  // Whom we vouch for on what is told to the peer by it: the log says so.
  const vouched = new Set(awaits.flatMap(({ vouchedFor, through }) => vouchedFor ?? through ?? []))
  return {
    awaits,
    outcome: WAITING,
    recorded: {
      action: 'peer.asked',
      type: 'MESSAGE',
      details: {
        peer: [...new Set(awaits.map(({ domain }) => domain))].join(' '),
        ...(vouched.size === 0 ? {} : { vouchedFor: [...vouched].join(' ') }),
      },
    },
  }
}

/** That the way in was asked for is no reason not to ask for what lies behind it. */
const wasAsked = ({ told = [], request }: Asked): boolean =>
  told.some(
    ({ ask }) => ask.operation.name === request.operation.name || ask.vouchedFor !== undefined,
  )

const mayWait = (asked: Asked, { means }: Moment): boolean =>
  means.foreign !== undefined && !wasAsked(asked) && mayAskPeers(asked)

const perform = async <Op extends Operation, Facts>(
  deed: Deed<Op, Facts>,
  moment: Moment,
  asked: readonly Asked<Op>[],
): Promise<readonly Verdict[]> => {
  const loaded = await deed.load(moment, asked)
  const judged = asked.map((one, index) => {
    const facts = loaded[index] as Facts // one per request, by the contract of `load`
    const awaits = mayWait(one, moment) ? (deed.awaits?.(facts, one, moment) ?? []) : []
    const refusal = awaits.length > 0 ? undefined : deed.decide(facts, one, moment)
    return { asked: one, facts, refusal, awaits }
  })
  const answers = (
    await deed.act(
      moment,
      judged.filter((one) => one.refusal === undefined && one.awaits.length === 0),
    )
  ).values()
  return judged.map(({ asked: one, facts, refusal, awaits }) => {
    if (awaits.length > 0) return waiting(awaits)
    if (refusal !== undefined) {
      return { outcome: refusal, recorded: deed.record(facts, one, undefined) }
    }
    const answer = answers.next().value as Answer // one per decided request, by the contract of `act`
    return { outcome: answer, recorded: deed.record(facts, one, answer) }
  })
}

/** The row of an operation in the routing table. */
export const operation = <Name extends OperationName, Facts>(
  _name: Name,
  deed: Deed<OperationOf<Name>, Facts>,
): Runner => ({
  runsTogether: deed.runsTogether,
  // The table is keyed by the operation's name, so only requests of this operation come here.
  run: (moment, asked) => perform(deed, moment, asked as readonly Asked<OperationOf<Name>>[]),
})
