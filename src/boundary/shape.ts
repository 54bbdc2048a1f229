// Small questions about raw JSON values, and the forms that names take on the line.
// Nothing is repaired here: a value has the form or it has not.

export type RawObject = Readonly<Record<string, unknown>>

/** A plain JSON object whose members are all among `known`. */
export const isObjectOf = (raw: unknown, known: ReadonlySet<string>): raw is RawObject => {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return false
  for (const member of Object.keys(raw)) if (!known.has(member)) return false
  return true
}

export const isText = (raw: unknown, maxChars: number): raw is string =>
  typeof raw === 'string' && raw.length <= maxChars

/** An array of at most `max` elements that all pass `isElement`. */
export const isListOf = <Element>(
  raw: unknown,
  max: number,
  isElement: (element: unknown) => element is Element,
): raw is readonly Element[] => Array.isArray(raw) && raw.length <= max && raw.every(isElement)

export const isIntegerWithin = (raw: unknown, least: number, most: number): raw is number =>
  typeof raw === 'number' && Number.isInteger(raw) && raw >= least && raw <= most

const WORD = /^[\x21-\x7e]{1,128}$/
/** An identifier made by us or by the other side: printable ASCII without blanks. */
export const isWord = (raw: unknown): raw is string => typeof raw === 'string' && WORD.test(raw)

const DOMAIN =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
/** A host name in lower case (RFC 1123 §2.1). */
export const isDomain = (raw: unknown): raw is string => typeof raw === 'string' && DOMAIN.test(raw)

const KMS_URI = /^kms:\/\/[a-z0-9.-]{1,253}(?::\d{1,5})?\/[\x21-\x7e]{1,512}$/
export const isKmsUri = (raw: unknown): raw is string =>
  typeof raw === 'string' && raw.length <= 1024 && KMS_URI.test(raw)

const COMPACT =
  /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)?$/
/** Three or five base64url parts: RFC 7515 §7.1, RFC 7516 §7.1. Form only; nothing is verified. */
export const isCompactJose = (raw: unknown, maxChars: number): raw is string =>
  isText(raw, maxChars) && COMPACT.test(raw)
