// Why a command did not do what was asked, in words for its operator and with a stable code.

export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: string

  constructor(code: string, what: string) {
    super(what)
    this.code = code
  }
}
