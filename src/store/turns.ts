// A queue of one: whoever holds the turn is alone with the connection.

export interface Turns {
  /** Resolves when it is the caller's turn; the answer ends it. */
  take(): Promise<() => void>
}

export const createTurns = (): Turns => {
  let last: Promise<void> = Promise.resolve()
  return {
    async take() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const before = last
      last = promise
      await before
      return resolve
    },
  }
}
