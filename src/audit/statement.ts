// What one realm says to another of keys and of its own log, signed: a note (C2SP signed-note) of one line of canonical JSON (RFC 8785),
// under the Ed25519 key of the log whose entries it names. It says nothing that those entries do not say, and names people as they do.
// Its first line is no log's name, so that no statement is ever a checkpoint.

import { type SigningKey, verifySignature } from '../crypto/index.ts'
import { type Instant, parseRfc3339, toRfc3339 } from '../time.ts'
import { verifierKeyOf } from './checkpoint.ts'
import {
  formatNote,
  formatVkey,
  keyIdOf,
  parseNote,
  parseVkey,
  SIGNATURE_TYPES,
  utf8,
} from './note.ts'
import { sameBytes } from './tree.ts'

const HEADING = 'keyrealm-statement/v1'

/** `release`: these keys were given; `use`: this became of them; `withdrawal`: these people and keys are let go of. */
export const STATEMENT_KINDS = ['release', 'use', 'withdrawal'] as const
export type StatementKind = (typeof STATEMENT_KINDS)[number]

/** One entry of the signer's log. */
export interface StatedEntry {
  readonly sequence: number
  readonly time: Instant
  readonly trackingId: string
  readonly keys: readonly string[]
  readonly resource?: string
  /** By the pseudonym that they have in that log. */
  readonly user?: string
  /** Of a release: which request of the batch it answers. Of a withdrawal: how many it acknowledges. */
  readonly place?: number
  /** Of a withdrawal: SHA-256 of what was asked, in hex. */
  readonly of?: string
}

export interface Statement {
  readonly kind: StatementKind
  readonly by: string
  readonly to: string
  readonly entries: readonly StatedEntry[]
}

/** The members MUST stay in code-unit order of their names. */
const toJson = ({ kind, by, to, entries }: Statement): string =>
  JSON.stringify({
    by,
    entries: entries.map((one) => ({
      keys: one.keys,
      of: one.of,
      place: one.place,
      resource: one.resource,
      sequence: one.sequence,
      time: toRfc3339(one.time),
      trackingId: one.trackingId,
      user: one.user,
    })),
    kind,
    to,
  })

/** Ed25519 alone: C2SP has no ML-DSA signature for a free text, and the entries are under the checkpoints' two. */
/** Of two that sign together while keys are changed, the newer one. */
const signing = (keys: readonly SigningKey[]): SigningKey | undefined =>
  keys.findLast(({ algorithm }) => algorithm === 'ed25519')

export interface SignedStatement {
  readonly note: string
  /** By which it verifies. */
  readonly vkey: string
}

/** `name` is the log's. Undefined without an Ed25519 key. */
export const signStatement = (
  statement: Statement,
  name: string,
  keys: readonly SigningKey[],
): SignedStatement | undefined => {
  const key = signing(keys)
  if (key === undefined) return undefined
  const verifier = verifierKeyOf(name, key)
  const text = `${HEADING}\n${toJson(statement)}\n`
  const signature = key.sign(utf8.encode(text))
  const note = formatNote({ text, signatures: [{ name, keyId: keyIdOf(verifier), signature }] })
  return { note, vkey: formatVkey(verifier) }
}

type Raw = Readonly<Record<string, unknown>>
const isRaw = (raw: unknown): raw is Raw =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)
const isCount = (raw: unknown): raw is number => Number.isSafeInteger(raw) && Number(raw) >= 0
const isText = (raw: unknown): raw is string => typeof raw === 'string' && raw.length <= 2048
const isTextList = (raw: unknown): raw is readonly string[] =>
  Array.isArray(raw) && raw.length <= ENTRIES_MOST && raw.every(isText)

const isAbsentOr = <Value>(
  raw: unknown,
  is: (value: unknown) => value is Value,
): raw is Value | undefined => raw === undefined || is(raw)

const ENTRIES_MOST = 10_000

const parseEntry = (raw: unknown): StatedEntry | undefined => {
  if (!isRaw(raw)) return undefined
  const { sequence, trackingId, keys, resource, user, place, of } = raw
  const time = parseRfc3339(raw['time'])
  if (!isCount(sequence) || time === undefined || !isText(trackingId)) return undefined
  if (!isTextList(keys) || !isAbsentOr(resource, isText) || !isAbsentOr(user, isText)) {
    return undefined
  }
  if (!isAbsentOr(of, isText) || !isAbsentOr(place, isCount)) return undefined
  return {
    ...{ sequence, time, trackingId, keys },
    ...(resource === undefined ? {} : { resource }),
    ...(user === undefined ? {} : { user }),
    ...(place === undefined ? {} : { place }),
    ...(of === undefined ? {} : { of }),
  }
}

const parseText = (text: string): Statement | undefined => {
  const [heading, line, ...rest] = text.split('\n')
  if (heading !== HEADING || line === undefined || rest.join('') !== '') return undefined
  let raw: unknown
  try {
    raw = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!isRaw(raw)) return undefined
  const { by, to, entries: rawEntries } = raw
  const kind = STATEMENT_KINDS.find((one) => one === raw['kind'])
  if (kind === undefined || !isText(by) || !isText(to) || !Array.isArray(rawEntries))
    return undefined
  if (rawEntries.length === 0 || rawEntries.length > ENTRIES_MOST) return undefined
  const entries = rawEntries.flatMap((one) => parseEntry(one) ?? [])
  const statement = { kind, by, to, entries }
  // In its one spelling only: what is compared later is the text.
  const isWhole = entries.length === rawEntries.length && toJson(statement) === line
  return isWhole ? statement : undefined
}

/** Is this the name of a log of that realm? */
const isLogOf = (name: string, domain: string): boolean =>
  name === `${domain}/log` || name.startsWith(`${domain}/log/`)

/** The statement, if it is one, this key signed it, and the key is of a log of whoever it is by. */
export const openStatement = ({ note: raw, vkey }: SignedStatement): Statement | undefined => {
  const note = parseNote(raw)
  const key = parseVkey(vkey)
  const statement = note && parseText(note.text)
  if (note === undefined || statement === undefined || key === undefined) return undefined
  if (key.type !== SIGNATURE_TYPES.ed25519 || !isLogOf(key.name, statement.by)) return undefined
  const id = keyIdOf(key)
  const own = note.signatures.find(({ name, keyId }) => name === key.name && sameBytes(keyId, id))
  if (own === undefined) return undefined
  const isGood = verifySignature('ed25519', key.publicKey, utf8.encode(note.text), own.signature)
  return isGood ? statement : undefined
}
