// Repeats and replays: a request that its session has made before, under the same requestId, gets the stored answer
// and has no effect. The relay is not trusted, and a captured "add" replayed after a removal must do nothing. Another
// request under that id is refused. Keys in a stored answer are released again only to one who may still read them.

import { sha256 } from '../../crypto/index.ts'
import type { KeyUri } from '../../id.ts'
import type { Refusal, RefusalCode } from '../../refusal.ts'
import { isRefusal, refuse } from '../../refusal.ts'
import { readKeyRefusal } from '../access/access.ts'
import { ownSubject } from '../access/on-behalf.ts'
import { reachedBy } from '../access/reached.ts'
import type { Key } from '../key.ts'
import { type Answer, fromStored } from './answer.ts'
import type { Asked } from './case.ts'
import type { Moment, Verdict } from './operation.ts'
import type { StoredAnswer } from './stored-answer.ts'

/** What a requestId stands for: the same one with another request, or for another person, is no repeat. */
export const operationOf = ({ request, by, subject }: Asked): string => {
  const operation = `${request.method} ${request.uri}`
  return subject === ownSubject(by) ? operation : `${operation} for ${subject}`
}

/**
 * Everything that a request asks beyond its method and URI. Not the client's credential: a token may have been renewed
 * before the request is sent again. Members come in the parser's order, whatever their order was on the way.
 */
export const digestOf = ({ request }: Asked): string => {
  const { name: _inMethod, uri: _same, ...asks }: { name: string; uri?: string } = request.operation
  if (Object.keys(asks).length === 0) return ''
  return Buffer.from(sha256(JSON.stringify(asks))).toString('base64url')
}

/** Answers of an earlier version say nothing of members; their sessions end within a day. */
const isSame = (stored: StoredAnswer, asked: Asked): boolean =>
  stored.operation === operationOf(asked) &&
  (stored.digest === undefined || stored.digest === digestOf(asked))

const readable = async (
  moment: Moment,
  asked: Asked,
  uris: readonly KeyUri[],
): Promise<readonly Key[] | Refusal> => {
  const { tx, now } = moment
  const found = await tx.keys.find(uris)
  const resources = new Set(
    [...found.values()].flatMap((key) => (key.state === 'bound' ? [key.resourceUri] : [])),
  )
  const wanted = [...resources].map((resourceUri) => ({ asked, resourceUri }))
  const reached = await reachedBy(moment, wanted)
  const open = new Set<string>(
    wanted.flatMap(({ resourceUri }, index) => (reached[index] === true ? [resourceUri] : [])),
  )
  const list: Key[] = []
  for (const uri of uris) {
    const key = found.get(uri)
    const isReached = key?.state === 'bound' && open.has(key.resourceUri)
    const refusal = readKeyRefusal({ key, reached: isReached }, asked.subject, uri, now)
    if (refusal !== undefined) return refusal
    if (key !== undefined) list.push(key)
  }
  return list
}

const restore = async (
  moment: Moment,
  asked: Asked,
  stored: StoredAnswer,
): Promise<Answer | Refusal> => {
  if (!isSame(stored, asked)) return refuse('request.id-reused')
  const form = fromStored(stored.body)
  // Stored by `transact.ts` with a code of the closed list.
  if ('refused' in form) return refuse(form.refused as RefusalCode)
  const { keys, ...answer } = form
  if (keys === undefined) return answer
  const list = await readable(moment, asked, keys.uris)
  return isRefusal(list) ? list : { ...answer, keys: { member: keys.member, list } }
}

const verdict = (outcome: Answer | Refusal): Verdict => ({
  outcome,
  recorded: {
    action: 'answer.repeated',
    type: 'MESSAGE',
    ...(!isRefusal(outcome) && outcome.keys !== undefined
      ? { keys: outcome.keys.list.map((key) => key.uri) }
      : {}),
  },
})

/** Verdicts for those of the requests that repeat an earlier one of their session. */
export const repeatedVerdicts = async (
  moment: Moment,
  asked: readonly Asked[],
): Promise<Map<Asked, Verdict>> => {
  const verdicts = new Map<Asked, Verdict>()
  const inSessions = asked.flatMap((one) =>
    one.session === undefined
      ? []
      : [{ one, id: { sessionUri: one.session.uri, requestId: one.request.requestId } }],
  )
  if (inSessions.length === 0) return verdicts
  const stored = await moment.tx.answers.find(inSessions.map(({ id }) => id))
  for (const [index, { one }] of inSessions.entries()) {
    const before = stored[index]
    if (before !== undefined) verdicts.set(one, verdict(await restore(moment, one, before)))
  }
  return verdicts
}
