// What a peer said enters the realm: copies are wrapped under our own key and kept, what it said of a user is remembered, and what
// its word decides is decided. Everything else goes on as if the key were ours.

import type { Act } from '../../audit/index.ts'
import type { KeyUri, ResourceUri } from '../../id.ts'
import { parseUserId } from '../../id.ts'
import { isForeign } from '../../protocol/index.ts'
import { isRefusal, type Refusal } from '../../refusal.ts'
import { before } from '../../time.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type Verdict, waiting } from '../corridor/operation.ts'
import type { BoundKey } from '../key.ts'
import {
  FORWARDED,
  type Granted,
  isDenial,
  isNoAnswer,
  isSilence,
  type PeerAsk,
  resourceOfOperation,
  type Told,
  type ToldKey,
} from './foreign.ts'
import type { ResourceAndUser } from './peer-ports.ts'
import { logKeyLearned, noteDigest } from './peer-receipts.ts'
import { vouching } from './through.ts'

type Answered = Asked & { readonly told: readonly Told[] }

export const isForwarded = ({ request }: Asked, { means: { uris } }: Moment): boolean =>
  request.home !== uris.home && FORWARDED.has(request.operation.name)

const toCopy = (key: ToldKey, { means }: Moment): BoundKey => {
  const { secret, ...rest } = key
  const [organizationId] = means.settings.organizations
  const wrapped = means.keyring.wrap(organizationId, 'content', key.uri, secret.expose())
  return { ...rest, state: 'bound', organizationId, wrapped }
}

/** Of a key in a room of ours, where it is and since when is what we have recorded, not what its home says now. */
const keep = async (moment: Moment, keys: readonly ToldKey[]): Promise<void> => {
  if (keys.length === 0) return
  const recorded = await moment.tx.copies.foreignKeys(keys.map(({ uri }) => uri))
  const copies = keys.map((key) => toCopy({ ...key, ...recorded.get(key.uri) }, moment))
  await moment.tx.copies.keep(copies)
  for (const { wrapped } of copies) {
    await moment.tx.keyring.countWraps(wrapped.keyEncryptionKeyId, 1)
  }
}

/** Of foreign resources only: of ours we know ourselves. */
const pairsOf = ({ ask }: Told, uris: readonly ResourceUri[], moment: Moment) =>
  [...new Set(uris)]
    .filter((uri) => isForeign(uri, moment.means.uris))
    .map((resourceUri): ResourceAndUser => ({ resourceUri, userId: ask.userId }))

const forget = async (moment: Moment, pairs: readonly ResourceAndUser[]): Promise<void> => {
  if (pairs.length === 0) return
  const { tx, now } = moment
  await tx.copies.withdraw(pairs, now)
  const resources = [...new Set(pairs.map(({ resourceUri }) => resourceUri))]
  await tx.copies.dropUnread(moment.means.uris.home, resources)
}

/**
 * Only a reading says that who asked may read now: what was done before is granted again to whoever repeats it, gone or not, and who
 * takes somebody out is not written down there as one that is to be told.
 */
const READINGS: ReadonlySet<string> = new Set([
  'retrieve-key',
  'retrieve-keys',
  'retrieve-resource',
  'retrieve-authorizations',
])

const removedBy = ({ ask: { operation } }: Told): readonly ResourceAndUser[] =>
  operation.name === 'delete-authorizations'
    ? operation.authIds.flatMap((authId) => {
        const userId = parseUserId(authId)
        return userId === undefined ? [] : [{ resourceUri: operation.uri, userId }]
      })
    : []

const readBy = ({ ask: { operation } }: Told, { keys }: Granted): readonly ResourceUri[] => {
  if (!READINGS.has(operation.name)) return []
  const named = resourceOfOperation(operation)
  const uris = keys.map((key) => key.resourceUri)
  return named === undefined ? uris : [named, ...uris]
}

/** A withdrawal that came before the answer has won: then there is nobody for whom to keep what it brought. */
const dropOvertaken = async (
  { tx, means }: Moment,
  pairs: readonly ResourceAndUser[],
): Promise<void> => {
  const known = await tx.copies.known(pairs)
  const lost = pairs.filter((_, index) => known[index] === undefined)
  if (lost.length === 0) return
  const resources = lost.map(({ resourceUri }) => resourceUri)
  await tx.copies.dropUnread(means.uris.home, resources)
}

const takeGranted = async (moment: Moment, told: Told, granted: Granted): Promise<void> => {
  await keep(moment, granted.keys)
  const pairs = pairsOf(told, readBy(told, granted), moment)
  await moment.tx.copies.learn(pairs, told.askedAt)
  await dropOvertaken(moment, pairs)
  await forget(moment, removedBy(told))
}

const copiedResources = async (moment: Moment, uri: KeyUri): Promise<readonly ResourceUri[]> => {
  const key = (await moment.tx.keys.find([uri])).get(uri)
  return key?.state === 'bound' ? [key.resourceUri] : []
}

/** Either way the other realm has answered; what is still to be done here is done in this transaction. */
const settleBind = async ({ tx }: Moment, { ask, result }: Told): Promise<void> => {
  const isAnswer = !isRefusal(result) || isDenial(result)
  if (ask.operation.name === 'bind-key' && isAnswer) await tx.debts.settleBind(ask.operation.uri)
}

const takeDenied = async (moment: Moment, told: Told): Promise<void> => {
  const { operation } = told.ask
  const named = resourceOfOperation(operation)
  const uris =
    operation.name === 'retrieve-key'
      ? await copiedResources(moment, operation.uri)
      : named === undefined || operation.name === 'bind-key'
        ? []
        : [named]
  await forget(moment, pairsOf(told, uris, moment))
}

const takeIn = async (moment: Moment, asked: Answered, told: Told): Promise<readonly Act[]> => {
  await settleBind(moment, told)
  if (isRefusal(told.result)) {
    if (!isNoAnswer(told)) await takeDenied(moment, told)
    return []
  }
  await takeGranted(moment, told, told.result)
  return await takeReceipt(moment, asked, told)
}

/** That keys came here is recorded apart from whether anybody was given them, with what their home has signed. */
const takeReceipt = async (
  { tx, now }: Moment,
  { received: { trackingId } }: Answered,
  { ask: { domain }, receipt, result, connection }: Told,
): Promise<readonly Act[]> => {
  if (isRefusal(result) || result.keys.length === 0 || receipt === undefined) return []
  const { note, vkey, position, sequence } = receipt
  const kept = { domain, kind: 'release', position, note, vkey, receivedAt: now } as const
  const fresh = await tx.receipts.keep([kept])
  const [first] = result.keys
  const came: Act = {
    action: 'peer.keys-received',
    outcome: 'done',
    actor: { kind: 'system' },
    type: 'KEY_COLLECTION',
    keys: result.keys.map(({ uri }) => uri),
    ...(first === undefined ? {} : { resource: first.resourceUri }),
    trackingId,
    details: { peer: domain, theirEntry: sequence, note: noteDigest(note), ...connection },
  }
  return [...fresh.map(logKeyLearned), came]
}

/** The home is silent, and an operator has said that what it last said may count for a while. */
const isWithinGrace = async (moment: Moment, asked: Answered): Promise<boolean> => {
  const { operation } = asked.request
  const userId = parseUserId(asked.subject)
  if (operation.name !== 'retrieve-key' || userId === undefined) return false
  const pairs = (await copiedResources(moment, operation.uri)).map((resourceUri) => ({
    resourceUri,
    userId,
  }))
  const [knownAt] = await moment.tx.copies.known(pairs)
  const grace = moment.means.foreign?.graceFor
  return knownAt !== undefined && grace !== undefined && knownAt > before(moment.now, grace)
}

const refused = (asked: Answered, outcome: Refusal): Verdict => {
  const resource = resourceOfOperation(asked.request.operation)
  return {
    outcome,
    recorded: {
      action: 'peer.answered',
      type: 'MESSAGE',
      ...(resource === undefined ? {} : { resource }),
    },
  }
}

const FORWARDED_ACTIONS: Readonly<Record<string, string>> = {
  'retrieve-resource': 'resource.read',
  'retrieve-authorizations': 'authorization.read',
  'retrieve-authorization': 'authorization.read',
  'create-authorizations': 'authorization.created',
  'delete-authorization': 'authorization.removed',
  'delete-authorizations': 'authorization.removed',
}

const forwarded = ({ request: { operation } }: Answered, granted: Granted): Verdict => {
  const resource = resourceOfOperation(operation)
  return {
    outcome: {
      status: granted.status,
      members: granted.members,
      ...(resource === undefined ? {} : { resourceUri: resource }),
    },
    recorded: {
      action: FORWARDED_ACTIONS[operation.name] ?? 'peer.answered',
      type: operation.name === 'retrieve-resource' ? 'RESOURCE' : 'AUTHORIZATION_COLLECTION',
      ...(resource === undefined ? {} : { resource }),
      ...('authIds' in operation ? { subjects: operation.authIds } : {}),
    },
  }
}

/** What is in it of other realms is a part of the answer, and none of them decides about the whole. */
const isListOfOurs = ({ request }: Asked, { means: { uris } }: Moment): boolean =>
  request.operation.name === 'retrieve-keys' && request.home === uris.home

/** Nobody has granted anything. One "no" among several is enough only if all of them are. */
const refusedVerdict = async (moment: Moment, asked: Answered): Promise<Verdict | undefined> => {
  const told = asked.told.find(isNoAnswer) ?? asked.told[0]
  if (told === undefined || !isRefusal(told.result)) return undefined
  if (!isNoAnswer(told) && isListOfOurs(asked, moment)) return undefined
  return isSilence(told) && (await isWithinGrace(moment, asked))
    ? undefined
    : refused(asked, told.result)
}

/** A "no" to which there is more to say says nothing yet. */
const askAgain = async (moment: Moment, { told: all }: Answered): Promise<Verdict | undefined> => {
  const asks: PeerAsk[] = []
  for (const told of all) {
    if (!isRefusal(told.result)) return undefined
    const ask = await vouching(moment, told)
    if (ask !== undefined) asks.push(ask)
  }
  return asks.length === 0 ? undefined : waiting(asks)
}

const isAnswered = (asked: Asked): asked is Answered => asked.told !== undefined

const verdictOf = async (moment: Moment, asked: Answered): Promise<Verdict | undefined> => {
  const granted = asked.told.filter(({ result }) => !isRefusal(result))
  if (granted.length === 0) return await refusedVerdict(moment, asked)
  const [only] = granted
  if (only === undefined || isRefusal(only.result) || !isForwarded(asked, moment)) return undefined
  return forwarded(asked, only.result)
}

/** Takes in what peers said to these requests; verdicts for those that it decides. */
export const toldVerdicts = async (
  moment: Moment,
  all: readonly Asked[],
): Promise<{ readonly verdicts: Map<Asked, Verdict>; readonly taken: readonly Act[] }> => {
  const verdicts = new Map<Asked, Verdict>()
  const taken: Act[] = []
  for (const asked of all.filter(isAnswered)) {
    const again = await askAgain(moment, asked)
    if (again !== undefined) {
      verdicts.set(asked, again)
      continue
    }
    for (const told of asked.told) taken.push(...(await takeIn(moment, asked, told)))
    const verdict = await verdictOf(moment, asked)
    if (verdict !== undefined) verdicts.set(asked, verdict)
  }
  return { verdicts, taken }
}
