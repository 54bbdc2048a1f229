// What this realm signs for towards peers, and what it believes of what they have signed: only by a key that came over the connection
// that proved their domain, only of their own log, only if it is meant for us.

import {
  openStatement,
  type SignedStatement,
  type StatedEntry,
  type Statement,
  type StatementKind,
} from '../audit/index.ts'
import { sha256Hex } from '../crypto/index.ts'
import { asJson } from './answer.ts'

export interface Signer {
  /** Undefined while the realm is locked. */
  sign(statement: Statement): Promise<SignedStatement | undefined>
}

/** Members of a body. */
export const toBody = ({ note, vkey }: SignedStatement) => ({ statement: note, logKey: vkey })

export interface Expected {
  readonly kind: StatementKind
  /** The peer whose certificate was proved. */
  readonly by: string
  readonly to: string
}

/** The statement in a body, if it is good and what was expected. */
export const statementIn = (
  body: unknown,
  { kind, by, to }: Expected,
): { readonly signed: SignedStatement; readonly entries: readonly StatedEntry[] } | undefined => {
  const { statement: note, logKey: vkey } = asJson(body)
  if (typeof note !== 'string' || typeof vkey !== 'string') return undefined
  const signed = { note, vkey }
  const statement = openStatement(signed)
  const isExpected = statement?.kind === kind && statement.by === by && statement.to === to
  return isExpected ? { signed, entries: statement.entries } : undefined
}

/** What a withdrawal is acknowledged by, so that no name stands in what is kept for ever. */
export const digestOf = (value: unknown): string =>
  sha256Hex(new TextEncoder().encode(JSON.stringify(value)))
