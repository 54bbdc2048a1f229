// Pseudonyms: the names by which the audit log knows people. Everyone whom a request names gets one,
// in the transaction that first names them. What is kept in memory has been committed before.

import type { Random } from '../../crypto/index.ts'
import type { OrganizationId, UserId } from '../../id.ts'
import type { Instant } from '../../time.ts'
import type { Person } from '../person.ts'
import type { Transaction } from '../ports.ts'

const REMEMBERED = 200_000

export interface Named {
  readonly userId: UserId
  /** As a verified token says; absent for someone whom another person named. */
  readonly organizationId?: OrganizationId
}

export class People {
  readonly #random: Random
  readonly #committed = new Map<UserId, Person>()

  constructor(random: Random) {
    this.#random = random
  }

  /**
   * Everyone named, making a row for whoever has none. In one transaction nobody is asked for twice:
   * a row of the transaction's own is not committed, and MUST NOT be remembered here.
   */
  async know(
    tx: Transaction,
    named: readonly Named[],
    now: Instant,
  ): Promise<ReadonlyMap<UserId, Person>> {
    const wanted = new Map<UserId, Named>()
    for (const one of named) {
      if (one.organizationId !== undefined || !wanted.has(one.userId)) wanted.set(one.userId, one)
    }
    await this.#load(tx, [...wanted.keys()])
    const known = new Map<UserId, Person>()
    const fresh: Person[] = []
    for (const one of wanted.values()) {
      const before = this.#committed.get(one.userId)
      const person = this.#placed(before, one, now)
      known.set(one.userId, person)
      if (person === before) continue
      fresh.push(person)
      // What changes is read again once it has committed.
      this.#committed.delete(one.userId)
    }
    if (fresh.length > 0) await tx.people.remember(fresh)
    return known
  }

  /**
   * Those who are known, as the store has them now: of whom only a peer speaks no row is made, and another process may have learned
   * a moment ago that they are ours.
   */
  find(tx: Transaction, ids: readonly UserId[]): Promise<ReadonlyMap<UserId, Person>> {
    return ids.length === 0 ? Promise.resolve(new Map()) : tx.people.find([...new Set(ids)])
  }

  /** They are erased; should they come back, it is under a name of its own. */
  forget(userId: UserId): void {
    this.#committed.delete(userId)
  }

  #placed(before: Person | undefined, named: Named, now: Instant): Person {
    const { userId, organizationId } = named
    const isPlaced = before?.organizationId !== undefined || organizationId === undefined
    if (before !== undefined && isPlaced) return before
    return {
      userId,
      pseudonym: before?.pseudonym ?? this.#random.uuid(),
      firstSeenAt: before?.firstSeenAt ?? now,
      ...(organizationId === undefined ? {} : { organizationId }),
    }
  }

  async #load(tx: Transaction, ids: readonly UserId[]): Promise<void> {
    const unknown = ids.filter((id) => !this.#committed.has(id))
    if (unknown.length === 0) return
    if (this.#committed.size > REMEMBERED) this.#committed.clear()
    for (const [id, person] of await tx.people.find(unknown)) this.#committed.set(id, person)
  }
}
