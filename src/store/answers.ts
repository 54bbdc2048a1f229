// Answers already given, so that a repeated request changes nothing. An answer belongs to its session:
// one for a session that is gone (it was deleted in the same group) is dropped, since nobody can ask again.

import { sql } from 'kysely'
import type { AnswerStore, StoredAnswer, StoredAnswerId } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded } from './mapping.ts'
import { type Dialect, type Link, prepare, prepareInsertion } from './statement.ts'

const idColumns = { session_uri: 'text', request_id: 'text' } as const
const givenColumns = {
  ...idColumns,
  operation: 'text',
  body: 'text',
  answered_at: 'integer',
  digest: 'text?',
} as const

interface AnswerRow {
  readonly position: number
  readonly session_uri: string
  readonly request_id: string
  readonly operation: string
  readonly body: string
  readonly answered_at: number
  readonly digest: string | null
}

const toAnswer = (row: AnswerRow): StoredAnswer => ({
  sessionUri: branded<StoredAnswer['sessionUri']>(row.session_uri),
  requestId: row.request_id,
  operation: row.operation,
  body: row.body,
  answeredAt: instant(row.answered_at),
  ...(row.digest === null ? {} : { digest: row.digest }),
})

const toId = ({ sessionUri, requestId }: StoredAnswerId) => ({
  session_uri: sessionUri,
  request_id: requestId,
})

const fromAnswer = (answer: StoredAnswer) => ({
  ...toId(answer),
  operation: answer.operation,
  body: answer.body,
  answered_at: answer.answeredAt,
  digest: answer.digest ?? null,
})

const prepareStatements = (dialect: Dialect) => ({
  // `cross join` because SQLite then keeps the order: the few ids first, then by index. The session as
  // a subquery because PostgreSQL then uses both columns of the index, whatever it knows of the table.
  find: prepare(
    dialect,
    'answers.find',
    { ids: idColumns },
    (_, p) => sql<AnswerRow>`
      select id.position, id.session_uri, answer.request_id, answer.operation, answer.body,
        answer.answered_at, answer.digest
      from ${p.ids} as id
      cross join answers as answer
      where answer.request_id = id.request_id and answer.session_id = (
        select session.id from sessions as session where session.uri = id.session_uri
      )`,
  ),
  insert: prepareInsertion(
    dialect,
    'answers.insert',
    givenColumns,
    sql`
      insert into answers (session_id, request_id, operation, body, answered_at, digest)
      select session.id, given.request_id, given.operation, given.body, given.answered_at,
        given.digest
      from ${dialect.inserted(givenColumns)} as given
      join sessions as session on session.uri = given.session_uri`,
  ),
})

export const prepareAnswers = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  return (link: Link): AnswerStore => ({
    async find(ids) {
      const rows = await link.all(statements.find, { ids: ids.map(toId) })
      const found = new Map(rows.map((row) => [row.position, toAnswer(row)]))
      return ids.map((_, index) => found.get(index))
    },
    async insert(answers) {
      await link.insertAll(statements.insert, answers.map(fromAnswer))
    },
  })
}
