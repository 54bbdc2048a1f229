// How the client says no. Two kinds: the realm refused (KmsRefused), or something on the way did not hold (ClientError).
// Neither ever carries a token, a key or a text that was to be sealed.

export type ClientErrorCode =
  /** The realm's certificate does not prove what it should; see `about`. Nothing was sent to it. */
  | 'client.realm-not-trusted'
  /** An answer that does not hold: not sealed or signed as it must be, or of the wrong form. */
  | 'client.invalid-answer'
  | 'client.timed-out'
  /** The realm dropped the session twice in a row. */
  | 'client.session-reset'
  /** The core answered with an error; see `status`, and `about` for its own code (`core.room-locked`). */
  | 'client.core-refused'
  /** The core says that a room changed, or did not, and the realm's own word for it is missing or says otherwise. */
  | 'client.not-confirmed'
  /** The core shows a former key of the room: the realm has bound a newer one. Nothing was written under it. */
  | 'client.key-rolled-back'
  | 'client.unreachable'
  /** The core closed the event socket for good. */
  | 'client.socket-refused'
  /** A text or file does not open under this key, or is not what it says it is. */
  | 'client.not-opened'
  | 'client.invalid-argument'
  | 'client.closed'

export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientErrorCode
  /** Which check or member, from a closed set; never a value. */
  readonly about: string | undefined
  /** HTTP status or WebSocket close code, where there was one. */
  readonly status: number | undefined

  constructor(code: ClientErrorCode, about?: string, status?: number) {
    super([code, about, status].filter((part) => part !== undefined).join(' '))
    this.code = code
    this.about = about
    this.status = status
  }
}

/** The realm's own "no", opened and verified (draft §4.6.3). */
export class KmsRefused extends Error {
  override readonly name = 'KmsRefused'
  readonly status: number
  readonly reason: string
  readonly errorCode: number | undefined
  readonly redirectUri: string | undefined

  constructor(answer: {
    readonly status: number
    readonly reason: string
    readonly errorCode?: number
    readonly redirectUri?: string
  }) {
    super(`${answer.status} ${answer.reason}`)
    this.status = answer.status
    this.reason = answer.reason
    this.errorCode = answer.errorCode
    this.redirectUri = answer.redirectUri
  }
}
