// Keeps to what administrators granted: a grant that is new brings a room's history, and a room that nobody is granted
// any more is left. Every request for keys asks the policy by itself; this is about what was made before.

import type { Act } from '../audit/index.ts'
import type { ResourceUri } from '../id.ts'
import { agentsBy, type FeaturePolicy, type WordRules } from '../kms/index.ts'
import type { Instant } from '../time.ts'
import { leaveRoom, readAgain, rekeyRoom } from './leaving.ts'
import type { IndexLedger, IndexTransaction } from './ports.ts'

/** Rooms that are begun anew for other rules in one turn. */
const OUTDATED_AT_ONCE = 100

const followGrants = async (
  tx: IndexTransaction,
  { grants }: FeaturePolicy,
  now: Instant,
): Promise<void> => {
  const seen = await tx.index.seenGrants()
  const fresh = grants.filter(({ uri }) => !seen.has(uri))
  for (const { scope } of fresh) {
    await readAgain(tx, 'joined', now, scope === 'all' ? {} : { resourceUri: scope })
  }
  await tx.index.seeGrants(fresh.map(({ uri }) => uri))
  const standing = new Set(grants.map(({ uri }) => uri))
  await tx.index.unseeGrants([...seen].filter((uri) => !standing.has(uri)))
}

/** Rooms with search keys where nobody is granted to index, or that are no more. */
const lostRooms = async (
  tx: IndexTransaction,
  policy: FeaturePolicy,
): Promise<readonly ResourceUri[]> => {
  const agentOf = agentsBy(policy)
  const places = await tx.searchKeys.places()
  const lost = places.filter((place) => agentOf(place) === undefined)
  return [
    ...new Set([...lost.map(({ resourceUri }) => resourceUri), ...(await tx.searchKeys.orphans())]),
  ]
}

/** Answers the search keys that must not be remembered any more: those of rooms that were left. */
export const followPolicy = (ledger: IndexLedger, rules: WordRules): Promise<readonly number[]> =>
  ledger.commit(async (tx, now) => {
    const policy = await tx.machines.policyOf('index')
    await followGrants(tx, policy, now)
    const acts: Act[] = []
    const lost = await lostRooms(tx, policy)
    const keys = await tx.searchKeys.ofRooms(lost)
    for (const resourceUri of lost) acts.push(...(await leaveRoom(tx, resourceUri, now)))
    for (const resourceUri of await tx.searchKeys.outdated(rules, OUTDATED_AT_ONCE)) {
      acts.push(...(await rekeyRoom(tx, resourceUri, now)).acts)
    }
    return { result: [...keys.values()].flat().map(({ id }) => id), acts }
  })
