// Structured logs, one JSON object a line. A line is an event name, plain fields and perhaps an error;
// nothing else can be printed (see mask.ts). Only edges log: domain rooms return facts.

import pino from 'pino'
import { maskText, type Printable, printableError, printableFields } from './mask.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What a field may be. Secrets, bytes and objects are not among it, and are not printed if forced. */
export type LogField = string | number | boolean | null | undefined | Date

export type LogFields = Readonly<Record<string, LogField>>

export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields, error?: unknown): void
  error(event: string, fields?: LogFields, error?: unknown): void
  /** A log that adds these fields to each of its lines. */
  with(fields: LogFields): Log
}

export interface LogOptions {
  readonly level: LogLevel
  /** Appended to, created with mode 600; standard output unless told. Its folder must exist. */
  readonly file?: string
  /** Takes whole lines instead; for tests. */
  readonly sink?: { write(line: string): void }
}

/** Opens the log. Lines are written before the call returns, so that a crash loses none. */
export const createLog = ({ level, file, sink }: LogOptions): Log => {
  const destination =
    sink ?? pino.destination({ sync: true, mode: 0o600, ...(file ? { dest: file } : {}) })
  const writer = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  return logOn(writer, {})
}

type Fields = Readonly<Record<string, Printable>>

const logOn = (writer: pino.Logger, bound: Fields): Log => {
  const write = (level: LogLevel, event: string, fields: LogFields = {}, error?: unknown): void => {
    if (!writer.isLevelEnabled(level)) return
    const line = { ...bound, ...printableFields(fields) }
    // The event goes in as a value, never as pino's format string.
    if (error === undefined) writer[level](line, '%s', maskText(event))
    else writer[level]({ ...line, error: printableError(error) }, '%s', maskText(event))
  }
  return {
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields, error) => write('warn', event, fields, error),
    error: (event, fields, error) => write('error', event, fields, error),
    with: (fields) => logOn(writer, { ...bound, ...printableFields(fields) }),
  }
}

/** A log that prints nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
}
