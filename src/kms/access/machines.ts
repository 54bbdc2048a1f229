// What an administrator does to machine accounts. Everything takes effect with the next request, also in
// processes beside this one, because each request asks the store.

import type { Act } from '../../audit/index.ts'
import type { Random } from '../../crypto/index.ts'
import type { OrganizationId, UserId } from '../../id.ts'
import type { Uris } from '../../protocol/index.ts'
import type { Instant } from '../../time.ts'
import type { Ledger } from '../corridor/ledger.ts'
import type { Feature, MachineAccount, Scope } from '../machine.ts'
import type { Transaction } from '../ports.ts'

export interface NewMachine {
  readonly userId: UserId
  readonly name: string
  readonly organizationId: OrganizationId
}

export interface GrantChange {
  readonly feature: Feature
  readonly scope: Scope
}

const SYSTEM = { kind: 'system' } as const

const act = (
  action: string,
  name: string,
  pseudonym: string | undefined,
  change?: GrantChange,
): Act => ({
  action,
  outcome: 'done',
  actor: SYSTEM,
  type: 'DIRECTORY',
  subjects: [pseudonym ?? 'unknown'],
  ...(change === undefined || change.scope === 'all' ? {} : { resource: change.scope }),
  details: {
    name,
    ...(change === undefined
      ? {}
      : { feature: change.feature, isEverywhere: change.scope === 'all' }),
  },
})

const pseudonymOf = async (tx: Transaction, userId: UserId): Promise<string | undefined> =>
  (await tx.people.find([userId])).get(userId)?.pseudonym

const notePseudonym = async (
  tx: Transaction,
  random: Random,
  { userId, organizationId }: NewMachine,
  now: Instant,
): Promise<string | undefined> => {
  const person = { userId, organizationId, pseudonym: random.uuid(), firstSeenAt: now }
  await tx.people.remember([person])
  return pseudonymOf(tx, userId)
}

/** False if there is one of that name or user already. */
export const addMachine = (ledger: Ledger, random: Random, machine: NewMachine): Promise<boolean> =>
  ledger.commit(async (tx, now) => {
    const isTaken =
      (await tx.machines.byName(machine.name)) !== undefined ||
      (await tx.machines.among([machine.userId])).size > 0
    if (isTaken) return { result: false, acts: [] }
    await tx.machines.insert({ ...machine, createdAt: now })
    const pseudonym = await notePseudonym(tx, random, machine, now)
    return { result: true, acts: [act('machine.added', machine.name, pseudonym)] }
  })

/** False if it had been granted already. */
export const grantFeature = (
  ledger: Ledger,
  { random, uris }: { readonly random: Random; readonly uris: Uris },
  { userId, name }: MachineAccount,
  change: GrantChange,
): Promise<boolean> =>
  ledger.commit(async (tx, now) => {
    const uri = uris.authorization(random.uuid())
    const isNew = await tx.machines.grant({ uri, userId, ...change, createdAt: now })
    if (!isNew) return { result: false, acts: [] }
    const granted = act('machine.granted', name, await pseudonymOf(tx, userId), change)
    return { result: true, acts: [{ ...granted, authorizations: [uri] }] }
  })

/** False if it was not granted. */
export const revokeFeature = (
  ledger: Ledger,
  { userId, name }: MachineAccount,
  change: GrantChange,
): Promise<boolean> =>
  ledger.commit(async (tx) => {
    const wasGranted = await tx.machines.revoke(userId, change.feature, change.scope)
    if (!wasGranted) return { result: false, acts: [] }
    const pseudonym = await pseudonymOf(tx, userId)
    return { result: true, acts: [act('machine.revoked', name, pseudonym, change)] }
  })

/** For good: another account takes its place, so that the log never speaks of two under one name. */
export const disableMachine = (ledger: Ledger, { userId, name }: MachineAccount): Promise<void> =>
  ledger.commit(async (tx, now) => {
    await tx.machines.disable(userId, now)
    await tx.sessions.endAll(userId)
    const pseudonym = await pseudonymOf(tx, userId)
    return { result: undefined, acts: [act('machine.disabled', name, pseudonym)] }
  })
