// An answer → its JSON text, with keys unwrapped and bearer tokens signed. MUST only be called for an
// outcome that has committed: this is the one place where stored keys appear in clear, and what it
// returns goes nowhere but into a seal.

import { encodeB64u } from '../../crypto/index.ts'
import {
  FAULT_VERDICT,
  keyRepresentation,
  printRefusal,
  printResponse,
  verdictOf,
} from '../../protocol/index.ts'
import { isRefusal } from '../../refusal.ts'
import type { Key } from '../key.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { BearerOrder } from './answer.ts'
import type { Bearers } from './bearers.ts'
import type { Outcome } from './transact.ts'

export interface RevealMeans {
  readonly keyring: Keyring
  readonly bearers: Bearers
}

const revealKey = (key: Key, keyring: Keyring): Readonly<Record<string, unknown>> => {
  const secret = keyring.unwrap(key.uri, key.wrapped)
  const representation = keyRepresentation(key, encodeB64u(secret.expose()))
  secret.wipe()
  return representation
}

/** Adds each order's token to the authorization of that URI. */
const withBearers = (
  members: Readonly<Record<string, unknown>>,
  orders: readonly BearerOrder[] | undefined,
  bearers: Bearers,
): Readonly<Record<string, unknown>> => {
  const { authorizations } = members
  if (orders === undefined || !Array.isArray(authorizations)) return members
  const tokens = new Map<unknown, string>(orders.map((order) => [order.uri, bearers.sign(order)]))
  return {
    ...members,
    authorizations: authorizations.map((one) => {
      const bearer = tokens.get(one.uri)
      return bearer === undefined ? one : { ...one, bearer }
    }),
  }
}

/** Throws a Fault if a stored key does not open. */
export const reveal = (
  outcome: Outcome,
  requestId: string | undefined,
  means: RevealMeans,
): string => {
  if (isRefusal(outcome) || requestId === undefined) {
    return printRefusal(isRefusal(outcome) ? verdictOf(outcome) : FAULT_VERDICT, requestId)
  }
  const { status, keys, bearers } = outcome
  const members = withBearers(outcome.members, bearers, means.bearers)
  if (keys === undefined) return printResponse({ status, requestId, members })
  const list = keys.list.map((key) => revealKey(key, means.keyring))
  const revealed = keys.member === 'key' ? list[0] : list
  return printResponse({ status, requestId, members: { ...members, [keys.member]: revealed } })
}
