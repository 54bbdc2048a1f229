// What only the store knows of a caller, asked for each request, because it may have changed a moment ago:
// a verified token may be that of somebody who left, or of a machine. A machine's token makes no person.

import type { UserId } from '../../id.ts'
import type { Person, Service } from '../../identity/index.ts'
import { type Refusal, refuse } from '../../refusal.ts'
import { type Asked, type Case, isTurned } from '../corridor/case.ts'
import type { Standing, Transaction } from '../ports.ts'

export interface Callers {
  /** The cases, each of a machine attributed to it. */
  readonly group: readonly Case[]
  /** Those of the requests whose caller may not speak. */
  readonly refused: ReadonlyMap<Asked, Refusal>
}

const serviceOf = (by: Person, { features }: NonNullable<Standing['machine']>): Service => ({
  kind: 'service',
  userId: by.userId,
  organizationId: by.organizationId,
  tokenExpiresAt: by.tokenExpiresAt,
  issuer: by.issuer,
  features,
})

const refusalOf = ({ isOffBoarded, machine }: Standing, by: Person): Refusal | undefined => {
  if (isOffBoarded) return refuse('identity.off-boarded')
  if (machine === undefined) return undefined
  if (machine.isDisabled) return refuse('identity.machine-disabled')
  return machine.organizationId === by.organizationId
    ? undefined
    : refuse('identity.machine-other-organization')
}

const attributed = <One extends Case>(one: One, standing: Standing | undefined): One => {
  const machine = standing?.machine
  if (machine === undefined || one.by?.kind !== 'person') return one
  return { ...one, by: serviceOf(one.by, machine) }
}

export const knowCallers = async (tx: Transaction, cases: readonly Case[]): Promise<Callers> => {
  const ids = new Set<UserId>(cases.flatMap(({ by }) => (by?.kind === 'person' ? [by.userId] : [])))
  const standings = ids.size === 0 ? new Map() : await tx.machines.standing([...ids])
  const refused = new Map<Asked, Refusal>()
  const group = cases.map((one): Case => {
    const standing = one.by?.kind === 'person' ? standings.get(one.by.userId) : undefined
    const known = attributed(one, standing)
    if (isTurned(known) || standing === undefined || one.by?.kind !== 'person') return known
    const refusal = refusalOf(standing, one.by)
    if (refusal !== undefined) refused.set(known, refusal)
    return known
  })
  return { group, refused }
}
