// What a realm's answer says of an operation. Without a word in clear nothing was applied: an outcome always
// has one.

import type { AnswersFrame, Declined } from '../../boundary/index.ts'
import type { ProblemCode } from '../http/problem.ts'

export type Verdict =
  | { readonly kind: 'applied'; readonly resourceUri?: string; readonly kmsMessage?: string }
  /** Sealed words, if there is anybody who can read them. */
  | { readonly kind: 'refused'; readonly isUnread: boolean; readonly kmsMessage?: string }
  /** It was not applied before it was withdrawn, and never will be. */
  | { readonly kind: 'withdrawn' }
  /** Not looked at this time. */
  | { readonly kind: 'declined'; readonly code: ProblemCode }

/** The realm has no channel that opens the message. */
const NOT_OPENED = 499

export const verdictOf = ({ declined, answers }: AnswersFrame): Verdict => {
  if (declined !== undefined) return ofDeclined(declined)
  const [answer] = answers
  if (answer === undefined) return { kind: 'refused', isUnread: true }
  const { clear, kmsMessage } = answer
  const sealed = kmsMessage === undefined ? {} : { kmsMessage }
  if (clear === undefined || clear.status >= 400)
    return { kind: 'refused', isUnread: clear?.status === NOT_OPENED, ...sealed }
  const { resourceUri } = clear
  return { kind: 'applied', ...sealed, ...(resourceUri === undefined ? {} : { resourceUri }) }
}

const ofDeclined = (declined: Declined): Verdict => {
  if (declined === 'rooms.withdrawn') return { kind: 'withdrawn' }
  return { kind: 'declined', code: declined === 'kms.locked' ? declined : 'core.realm-declined' }
}
