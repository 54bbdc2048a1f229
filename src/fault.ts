// A Fault: something is broken (a store is gone, a wrapped key does not open, an assertion fails).
// It is thrown, logged and counted, and never explained to the caller. An expected "no" is a Refusal.

export class Fault extends Error {
  override readonly name = 'Fault'
  /** Stable, `room.reason`; goes to logs and to the audit log, never to a client. */
  readonly code: string

  constructor(code: string, cause?: unknown) {
    super(code, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
