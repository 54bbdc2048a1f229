// A group of cases in one transaction: load, decide, act, record, for each in its order. A refusal is
// a value, so its entry commits like any other; only a Fault rolls the group back (see `committer.ts`).

import type { Act } from '../../audit/index.ts'
import { Fault } from '../../fault.ts'
import { parseUserId, type ResourceUri, type UserId } from '../../id.ts'
import { isRefusal, type Refusal } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { knowCallers } from '../access/callers.ts'
import { standingVerdicts } from '../access/standing.ts'
import type { PeerAsk } from '../foreign/foreign.ts'
import { releasedToPeers } from '../foreign/holders.ts'
import { openThrough } from '../foreign/through.ts'
import { toldVerdicts } from '../foreign/told.ts'
import { admitWaiting, homeVerdicts } from '../foreign/waiting.ts'
import type { CoreOperation } from '../joint/core-operation.ts'
import { earlierOperations, jointVerdicts, operationOfCase } from '../joint/joint-verdicts.ts'
import type { Transaction } from '../ports.ts'
import { type Answer, toStored } from './answer.ts'
import { type Asked, type Case, isAsked, isTurned } from './case.ts'
import type { Done } from './ledger.ts'
import type { Means, Moment, Verdict } from './operation.ts'
import type { Named, People } from './people.ts'
import { actOf, type Pseudonyms, turnedAct } from './record.ts'
import { digestOf, operationOf, repeatedVerdicts } from './repeat.ts'
import { routeOf } from './routes.ts'
import type { StoredAnswer } from './stored-answer.ts'

export type Outcome = Answer | Refusal

export interface Conclusion {
  readonly outcome: Outcome
  /** Present where the core waits for it; the last word on what the core may believe. */
  readonly operation?: CoreOperation
  /** Nothing is concluded: these are to be asked, and then the case comes again with what they said. */
  readonly awaits?: readonly PeerAsk[]
  /** What was recorded of it, and once that is durable where in the log. */
  readonly act: Act
  readonly sequence?: number
  /** Resources of the peer that it may vouch for. */
  readonly through?: readonly ResourceUri[]
}

/** Whom peers name is not known by that: see `peersUsers`. */
const namedBy = (group: readonly Case[]): readonly Named[] =>
  group.flatMap((one) => {
    const { by } = one
    if (by?.kind === 'peer') return []
    const caller: readonly Named[] =
      by === undefined || by.kind === 'anonymous'
        ? []
        : [
            {
              userId: by.userId,
              ...(by.organizationId === undefined ? {} : { organizationId: by.organizationId }),
            },
          ]
    const subject = isTurned(one) ? one.onBehalfOf : parseUserId(one.subject)
    return subject === undefined || subject === caller[0]?.userId
      ? caller
      : [...caller, { userId: subject }]
  })

const peersUsers = (group: readonly Case[]): readonly UserId[] =>
  group.flatMap(({ by }) => (by?.kind === 'peer' ? [by.userId] : []))

/** For whom something was done: an entry that a key was released says for whom. */
const servedUsers = (verdicts: ReadonlyMap<Asked, Verdict>): readonly Named[] =>
  [...verdicts].flatMap(([{ by }, { outcome }]) =>
    by.kind === 'peer' && !isRefusal(outcome) ? [{ userId: by.userId }] : [],
  )

const subjectsOf = (verdicts: ReadonlyMap<Asked, Verdict>): readonly Named[] =>
  [...verdicts.values()].flatMap(({ recorded }) =>
    (recorded.subjects ?? []).flatMap((authId) => {
      const userId = parseUserId(authId)
      return userId === undefined ? [] : [{ userId }]
    }),
  )

/** Neighbours that may run together, as one list; every other request alone. */
const runsOf = (asked: readonly Asked[]): readonly (readonly Asked[])[] => {
  const runs: Asked[][] = []
  for (const one of asked) {
    const { name } = one.request.operation
    const last = runs.at(-1)
    const joins = last?.[0]?.request.operation.name === name && routeOf(one).runsTogether
    if (joins) last?.push(one)
    else runs.push([one])
  }
  return runs
}

const runAll = async (moment: Moment, asked: readonly Asked[]): Promise<Map<Asked, Verdict>> => {
  const verdicts = new Map<Asked, Verdict>()
  for (const run of runsOf(asked)) {
    const [first] = run
    if (first === undefined) continue
    const results = await routeOf(first).run(moment, run)
    const concluded = new Map(
      run.flatMap((one, index): [Asked, Verdict][] => {
        const verdict = results[index]
        return verdict === undefined ? [] : [[one, verdict]]
      }),
    )
    // Before the next run: a removal there must find whoever was given a key here.
    await moment.tx.copies.addHolders(releasedToPeers(moment, concluded))
    for (const [one, verdict] of concluded) verdicts.set(one, verdict)
  }
  return verdicts
}

interface Decisions {
  readonly verdicts: Map<Asked, Verdict>
  /** What was taken in from peers on the way. */
  readonly taken: readonly Act[]
}

/** What peers have said is taken in first; what only a peer can say waits for it; the rest is ours to decide. */
const decideAll = async (moment: Moment, asked: readonly Asked[]): Promise<Decisions> => {
  const { verdicts: told, taken } = await toldVerdicts(moment, asked)
  const elsewhere = homeVerdicts(moment, asked)
  const here = asked.filter((one) => !told.has(one) && !elsewhere.has(one))
  const verdicts = new Map([...told, ...elsewhere, ...(await runAll(moment, here))])
  await openThrough(moment, verdicts)
  await admitWaiting(moment, verdicts)
  return { verdicts, taken }
}

const storedAnswers = (
  verdicts: ReadonlyMap<Asked, Verdict>,
  now: Instant,
): readonly StoredAnswer[] =>
  [...verdicts].flatMap(([asked, { outcome, awaits }]) =>
    asked.session === undefined || awaits !== undefined
      ? []
      : [
          {
            sessionUri: asked.session.uri,
            requestId: asked.request.requestId,
            operation: operationOf(asked),
            digest: digestOf(asked),
            body: isRefusal(outcome)
              ? JSON.stringify({ refused: outcome.refused })
              : toStored(outcome),
            answeredAt: now,
          },
        ],
  )

const verdictFor = (verdicts: ReadonlyMap<Asked, Verdict>, asked: Asked): Verdict => {
  const verdict = verdicts.get(asked)
  if (verdict === undefined) throw new Fault('kms.no-verdict')
  return verdict
}

const actsOf = (
  group: readonly Case[],
  verdicts: ReadonlyMap<Asked, Verdict>,
  people: Pseudonyms,
  now: Instant,
): readonly Act[] =>
  group.map((one) => {
    if (isTurned(one)) return turnedAct(one, people, now)
    return actOf(one, verdictFor(verdicts, one), people, now)
  })

export interface TransactParts {
  readonly means: Means
  readonly people: People
}

/** Concludes every case of a group; outcomes in the order of the cases. */
export const transact = async (
  cases: readonly Case[],
  tx: Transaction,
  now: Instant,
  { means, people }: TransactParts,
): Promise<Done<readonly Conclusion[]>> => {
  const moment: Moment = { tx, now, means }
  const { group, refused: refusedCallers } = await knowCallers(tx, cases)
  const asked = group.filter(isAsked)
  const known = new Map([
    ...(await people.find(tx, peersUsers(group))),
    ...(await people.know(tx, namedBy(group), now)),
  ])
  const earlier = await earlierOperations(tx, group)
  const refused = await standingVerdicts(moment, asked, known, refusedCallers)
  const standing = asked.filter((one) => !refused.has(one))
  const repeats = await repeatedVerdicts(moment, standing)
  const { repeated, disagreed } = jointVerdicts(standing, earlier, repeats)
  const { verdicts: fresh, taken } = await decideAll(
    moment,
    standing.filter((one) => !repeated.has(one) && !disagreed.has(one)),
  )
  for (const [one, verdict] of disagreed) fresh.set(one, verdict)
  await tx.answers.insert(storedAnswers(fresh, now))
  const verdicts = new Map([...refused, ...repeated, ...fresh])
  const named = [...subjectsOf(verdicts), ...servedUsers(verdicts)]
  const strangers = named.filter(({ userId }) => !known.has(userId))
  const pseudonyms = new Map([...known, ...(await people.know(tx, strangers, now))])
  const acts = actsOf(group, verdicts, pseudonyms, now)
  const concludedAs = (one: Case, outcome: Outcome, act: Act): Conclusion => {
    const operation = operationOfCase(one, outcome, earlier, now)
    return operation === undefined ? { outcome, act } : { outcome, act, operation }
  }
  const concluded = group.map((one, index): Conclusion => {
    const act = acts[index]
    if (act === undefined) throw new Fault('kms.no-act')
    if (isTurned(one)) return concludedAs(one, one.refusal, act)
    const { outcome, awaits, through } = verdictFor(verdicts, one)
    if (awaits !== undefined) return { outcome, act, awaits }
    return { ...concludedAs(one, outcome, act), ...(through === undefined ? {} : { through }) }
  })
  await tx.operations.insert(
    concluded.flatMap(({ operation }) =>
      operation === undefined || earlier.has(operation.id) ? [] : [operation],
    ),
  )
  return { result: concluded, acts: [...taken, ...acts] }
}
