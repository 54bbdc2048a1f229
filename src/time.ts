// Instants and durations as types of their own, so that milliseconds and seconds cannot be confused.
// It reads no clock: the current time is handed in by whoever owns one (`runtime/clock.ts`).

declare const instantBrand: unique symbol
declare const durationBrand: unique symbol

/** A point in time: whole milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly [instantBrand]: true }

/** A length of time in whole milliseconds; never negative. */
export type Duration = number & { readonly [durationBrand]: true }

export const instant = (milliseconds: number): Instant => Math.trunc(milliseconds) as Instant

export const milliseconds = (count: number): Duration => Math.max(0, Math.trunc(count)) as Duration

export const seconds = (count: number): Duration => milliseconds(count * 1000)

export const after = (start: Instant, duration: Duration): Instant => instant(start + duration)

export const before = (end: Instant, duration: Duration): Instant => instant(end - duration)

export const isPast = (moment: Instant, now: Instant): boolean => moment <= now

const DAY_MS = 86_400_000
let lastDay = { startMs: Number.NaN, prefix: '' }

/** `2026-03-01T`. Most times that are printed are of the day that was printed last. */
const dayPrefix = (startMs: number): string => {
  if (startMs !== lastDay.startMs) {
    lastDay = { startMs, prefix: new Date(startMs).toISOString().slice(0, -13) }
  }
  return lastDay.prefix
}

const digits = (value: number, width: number): string => String(value).padStart(width, '0')

/**
 * RFC 3339, UTC, milliseconds: `2026-03-01T10:00:00.000Z`. Every answer and every audit entry prints a
 * few; this is what `toISOString` gives, several times as fast.
 */
export const toRfc3339 = (moment: Instant): string => {
  const startMs = Math.floor(moment / DAY_MS) * DAY_MS
  const rest = moment - startMs
  const hours = digits(Math.floor(rest / 3_600_000), 2)
  const minutes = digits(Math.floor(rest / 60_000) % 60, 2)
  const wholeSeconds = digits(Math.floor(rest / 1000) % 60, 2)
  return `${dayPrefix(startMs)}${hours}:${minutes}:${wholeSeconds}.${digits(rest % 1000, 3)}Z`
}

const RFC3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** `Date.parse` reads 30 February as 2 March. */
const isCalendarDay = (text: string): boolean => {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number)
  return new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate() === day
}

/** A date-time of RFC 3339 §5.6, or undefined. Leap seconds are not accepted. */
export const parseRfc3339 = (raw: unknown): Instant | undefined => {
  if (typeof raw !== 'string' || !RFC3339.test(raw) || !isCalendarDay(raw)) return undefined
  const parsed = Date.parse(raw)
  return Number.isNaN(parsed) ? undefined : instant(parsed)
}
