// Before a peer is asked: may it be, is the request one that is passed on at all, and is what must not be lost written down?

import { isForeign } from '../../protocol/index.ts'
import { type Refusal, refuse } from '../../refusal.ts'
import { after, seconds } from '../../time.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type Verdict, waiting } from '../corridor/operation.ts'
import { askHome, HALF_OURS, mayAskPeers } from './foreign.ts'
import { isForwarded } from './told.ts'

/** When it is asked again unless it has answered. */
const RETRY_BIND = seconds(10)

const refused = (refusal: Refusal): Verdict => ({
  outcome: refusal,
  recorded: { action: 'request.refused', type: 'MESSAGE' },
})

/** A bearer made by another realm could not be withdrawn here, nor its answer be kept. */
const makesBearers = ({ request: { operation } }: Asked): boolean =>
  operation.name === 'create-authorizations' && operation.anonymous > 0

const homeVerdict = (moment: Moment, asked: Asked): Verdict | undefined => {
  const { home, operation, uri } = asked.request
  const { uris } = moment.means
  // Of a peer's key only the peer says that it is bound.
  const isOthersKey = operation.name === 'bind-key' && isForeign(operation.uri, uris)
  if (isOthersKey && asked.by.kind !== 'peer') return refused(refuse('request.foreign-host', uri))
  if (home === uris.home) return undefined
  const isKnown = HALF_OURS.has(operation.name) || isForwarded(asked, moment)
  if (!isKnown || makesBearers(asked) || !mayAskPeers(asked)) {
    return refused(refuse('federation.not-forwarded', operation.name))
  }
  return HALF_OURS.has(operation.name)
    ? undefined
    : waiting([askHome(asked, operation, `${home}/`)])
}

/** Verdicts for those requests about other realms that need no look at what is stored here. */
export const homeVerdicts = (moment: Moment, all: readonly Asked[]): Map<Asked, Verdict> => {
  const verdicts = new Map<Asked, Verdict>()
  for (const asked of all) {
    if (asked.told !== undefined) continue
    const verdict = homeVerdict(moment, asked)
    if (verdict !== undefined) verdicts.set(asked, verdict)
  }
  return verdicts
}

/** The other realm may take the key in, and its answer be lost: then it is asked again until it answers. */
const rememberBind = async ({ tx, now }: Moment, asked: Asked): Promise<Refusal | undefined> => {
  const { operation } = asked.request
  if (operation.name !== 'bind-key' || asked.by.kind !== 'person') return undefined
  const { uri: keyUri, resourceUri } = operation
  const pending = await tx.debts.findBind(keyUri)
  if (pending !== undefined && pending.resourceUri !== resourceUri) {
    return refuse('kms.key-already-bound', keyUri)
  }
  const userId = asked.by.userId
  const { joint } = asked.received
  await tx.debts.addBind({
    keyUri,
    resourceUri,
    userId,
    since: now,
    dueAt: after(now, RETRY_BIND),
    attempts: 0,
    ...(joint === undefined ? {} : { operationId: joint.id }),
  })
  return undefined
}

/** Those of the domains that are not to be asked, and why. */
export const shutDomains = async (
  { tx, means }: Moment,
  domains: readonly string[],
): Promise<ReadonlyMap<string, Refusal>> => {
  if (domains.length === 0) return new Map()
  const peers = await tx.peers.find(domains)
  const shut = new Map<string, Refusal>()
  for (const domain of domains) {
    const isBlocked = peers.get(domain)?.blockedAt !== undefined
    const refusal = isBlocked
      ? refuse('federation.blocked', domain)
      : means.foreign?.refusalFor(domain)
    if (refusal !== undefined) shut.set(domain, refusal)
  }
  return shut
}

/** Of what waits for a peer, that which may not: in its place stands the refusal. */
export const admitWaiting = async (
  moment: Moment,
  verdicts: Map<Asked, Verdict>,
): Promise<void> => {
  const domainsOf = (verdict: Verdict) => (verdict.awaits ?? []).map(({ domain }) => domain)
  const domains = [...new Set([...verdicts.values()].flatMap(domainsOf))]
  if (domains.length === 0) return
  const shut = await shutDomains(moment, domains)
  for (const [asked, verdict] of verdicts) {
    if (verdict.awaits === undefined) continue
    const refusals = domainsOf(verdict).flatMap((domain) => shut.get(domain) ?? [])
    const refusal = refusals[0] ?? (await rememberBind(moment, asked))
    if (refusal !== undefined) verdicts.set(asked, refused(refusal))
  }
}
