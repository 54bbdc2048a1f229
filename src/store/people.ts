// What is remembered of a person: organisation and pseudonym. Forgetting the row makes every audit entry
// about the person anonymous.

import { sql } from 'kysely'
import type { UserId } from '../id.ts'
import type { Person, PersonStore } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, optional, optionalInstant } from './mapping.ts'
import { personColumns, type RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

type PersonRow = RowOf<typeof personColumns>

const toPerson = (row: PersonRow): Person => ({
  userId: branded<UserId>(row.user_id),
  ...optional(
    'organizationId',
    row.organization_id === null
      ? undefined
      : branded<NonNullable<Person['organizationId']>>(row.organization_id),
  ),
  pseudonym: row.pseudonym,
  firstSeenAt: instant(row.first_seen_at),
  ...optional('offBoardedAt', optionalInstant(row.off_boarded_at)),
})

const fromPerson = (person: Person): PersonRow => ({
  user_id: person.userId,
  organization_id: person.organizationId ?? null,
  pseudonym: person.pseudonym,
  first_seen_at: person.firstSeenAt,
  off_boarded_at: person.offBoardedAt ?? null,
})

/** One row a user: PostgreSQL refuses to meet the same row twice in one statement. */
const withoutRepeats = (people: readonly Person[]): readonly Person[] => {
  const known = new Map<UserId, Person>()
  for (const person of people) {
    const first = known.get(person.userId)
    const organizationId = first?.organizationId ?? person.organizationId
    known.set(person.userId, {
      ...(first ?? person),
      ...optional('organizationId', organizationId),
    })
  }
  return [...known.values()]
}

/** The pseudonym and the time of the first meeting never change; an organisation is set once. */
const setMissingOrganization = sql`
  on conflict (user_id) do update set organization_id = excluded.organization_id
  where people.organization_id is null and excluded.organization_id is not null`

const prepareStatements = (dialect: Dialect) => ({
  find: prepare(dialect, 'people.find', { ids: 'texts' }, (db, p) =>
    db.selectFrom('people').selectAll().where(p.ids.has('user_id')),
  ),
  remember: prepareInsert(dialect, 'people', personColumns, setMissingOrganization),
  markOffBoarded: prepare(
    dialect,
    'people.mark-off-boarded',
    { userId: 'text', now: 'integer' },
    (db, p) =>
      db
        .updateTable('people')
        .set({ off_boarded_at: p.now })
        .where('user_id', '=', p.userId)
        .where('off_boarded_at', 'is', null),
  ),
  ofOrganization: prepare(dialect, 'people.of-organization', { organizationId: 'text' }, (db, p) =>
    db
      .selectFrom('people')
      .selectAll()
      .where('organization_id', '=', p.organizationId)
      .orderBy('first_seen_at')
      .orderBy('user_id'),
  ),
})

export const preparePeople = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): PersonStore => ({
    async find(ids) {
      const people = (await link.all(statements.find, { ids })).map(toPerson)
      return new Map(people.map((person) => [person.userId, person]))
    },
    async remember(people) {
      await link.insertAll(statements.remember, withoutRepeats(people).map(fromPerson))
    },
    async markOffBoarded(userId, now) {
      await link.run(statements.markOffBoarded, { userId, now })
    },
    async ofOrganization(organizationId) {
      return (await link.all(statements.ofOrganization, { organizationId })).map(toPerson)
    },
  })
}
