// Turns anything into something that may stand in a log line. What it does not know it does not
// print; text that looks like a token or like key material is masked before it is shortened.

export type Printable = string | number | boolean | null | PrintableError
export interface PrintableError {
  readonly name: string
  readonly code?: string
  readonly frames?: readonly string[]
  readonly cause?: PrintableError
}

const UNPRINTABLE = '[unprintable]'
export const REFUSED = '[refused]'
const MASKED = '[masked]'

// Longer than any field we mean to print, shorter than what would make masking slow.
const SCAN_MAX_CHARS = 16_384
const PRINT_MAX_CHARS = 1000

const SECRET_MEMBERS =
  'access_?token|refresh_?token|id_?token|authorization|bearer|client_?secret|credential|cookie|d|dp|dq|jwk|k|oth|p|passphrase|password|private_?key|q|qi|secret|set_?cookie|token'
const REFUSED_NAME = new RegExp(`^(?:${SECRET_MEMBERS})$`, 'i')
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,38}$/
// pino writes these itself; a second member of the same name would hide the first.
const TAKEN_NAMES = new Set(['level', 'time', 'event', 'error', 'pid', 'hostname', 'msg', 'v'])

const PEM = /-----BEGIN [\s\S]*?(?:-----END [^-]*-----|$)/g
const CREDENTIALS = /\b(?:bearer|basic|digest)\s+[^\s"',;]+/gi
const SECRET_MEMBER = new RegExp(
  `\\\\?"(?:${SECRET_MEMBERS})\\\\?"\\s*:\\s*(?:\\\\?"[^"]*"?|\\{[^}]*\\}?)`,
  'gi',
)
const URL_PASSWORD = /\/\/[^\s/@]*@/g
// Each pattern is one run of characters, judged as a whole: hostile text costs no backtracking.
const DOTTED_RUN = /[A-Za-z0-9_.-]+/g
const BASE64_RUN = /[A-Za-z0-9+/]{40,}={0,2}/g
// 40 characters hold 30 bytes in base64url and 20 in hex: no key is shorter.
const LONG_RUN = /[A-Za-z0-9_-]{40,}={0,2}/g
const LONG_MIN_CHARS = 40
// Tracking ids of real clients are a name, a UUID and a number in one run.
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

/** Text with everything masked that looks like a token, a key or a credential. */
export const maskText = (raw: string): string => {
  const masked = raw
    .slice(0, SCAN_MAX_CHARS)
    .replace(PEM, MASKED)
    .replace(SECRET_MEMBER, MASKED)
    .replace(CREDENTIALS, MASKED)
    .replace(URL_PASSWORD, `//${MASKED}@`)
    .replace(DOTTED_RUN, (run) => (run.split('.').some(holdsJson) ? MASKED : run))
    .replace(BASE64_RUN, (run) => (/[+=]/.test(run) ? MASKED : run))
    .replace(LONG_RUN, (run) => (holdsLongWord(run) ? MASKED : run))
  return masked.length > PRINT_MAX_CHARS ? `${masked.slice(0, PRINT_MAX_CHARS)}…` : masked
}

/** A JWS or JWE, even a cut one, begins with the base64url of a JSON object; a host name does not. */
const holdsJson = (part: string): boolean =>
  part.length >= 8 &&
  /^\s*\{\s*["}]/.test(Buffer.from(part.slice(0, 32), 'base64url').toString('latin1'))

const holdsLongWord = (run: string): boolean =>
  run.split(UUID).some((word) => word.length >= LONG_MIN_CHARS)

/** What may be printed of a value. Everything but plain values, dates and errors is unprintable. */
export const printable = (raw: unknown): Printable => {
  if (raw === null || typeof raw === 'boolean') return raw
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : UNPRINTABLE
  if (typeof raw === 'string') return maskText(raw)
  if (raw instanceof Date) return Number.isNaN(raw.getTime()) ? UNPRINTABLE : raw.toISOString()
  return UNPRINTABLE
}

/** What may be printed of the fields of a line: refused names lose their value, odd names vanish. */
export const printableFields = (
  fields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, Printable>> => {
  const safe: Record<string, Printable> = {}
  for (const name of Object.keys(fields)) {
    if (!FIELD_NAME.test(name)) continue
    const raw = Object.getOwnPropertyDescriptor(fields, name)
    if (raw !== undefined && 'value' in raw && raw.value === undefined) continue
    const isRefused = REFUSED_NAME.test(name) || TAKEN_NAMES.has(name)
    safe[name] = isRefused ? REFUSED : printable(raw?.value)
  }
  return safe
}

const ERROR_WORD = /^[A-Za-z0-9_.-]{1,39}$/
const CAUSES_MAX = 5
const FRAMES_MAX = 12

/**
 * Where an error came from, without its message: libraries quote their input there (`JSON.parse`
 * does), and their input may be a secret. Faults carry their meaning in `code`.
 */
export const printableError = (raw: unknown, depth = 0): PrintableError => {
  if (!(raw instanceof Error)) return { name: UNPRINTABLE }
  const code = 'code' in raw ? wordOf(raw.code) : undefined
  const frames = depth === 0 ? framesOf(raw) : []
  const hasCause = raw.cause !== undefined && depth < CAUSES_MAX
  return {
    name: wordOf(raw.name) ?? 'Error',
    ...(code === undefined ? {} : { code }),
    ...(frames.length === 0 ? {} : { frames }),
    ...(hasCause ? { cause: printableError(raw.cause, depth + 1) } : {}),
  }
}

const wordOf = (raw: unknown): string | undefined =>
  typeof raw === 'string' && ERROR_WORD.test(raw) ? maskText(raw) : undefined

const FRAME = /^ {4}at (?:[\w.<>$#[\] ]{1,120} \()?((?:file:|node:)[^\s()]{1,300}:\d+:\d+)\)?$/

const framesOf = (error: Error): readonly string[] => {
  // The message stands first in the stack and could imitate frames; cut it off by its length.
  const header = error.stack?.indexOf(error.message) ?? -1
  const after = header < 0 ? 0 : header + error.message.length
  return (error.stack ?? '')
    .slice(after)
    .split('\n')
    .flatMap((line) => FRAME.exec(line)?.[1] ?? [])
    .slice(0, FRAMES_MAX)
    .map((frame) => maskText(frame))
}
