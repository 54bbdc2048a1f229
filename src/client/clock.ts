// Time, timers and chance as the client uses them, so that a test can hand in its own.

export interface ClientClock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls once after so many milliseconds, unless the function it answers is called before. */
  after(milliseconds: number, call: () => void): () => void
  /** From 0 up to, not including, 1; spreads reconnects, protects nothing. */
  chance(): number
}

export const systemClock: ClientClock = {
  now: () => Date.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds)
    return () => clearTimeout(timer)
  },
  chance: () => Math.random(),
}

/** What `promise` gives, or `otherwise` if that takes longer; the timer is gone either way. */
export const within = async <Value, Otherwise>(
  promise: Promise<Value>,
  clock: ClientClock,
  late: { readonly milliseconds: number; readonly otherwise: Otherwise },
): Promise<Value | Otherwise> => {
  let cancel: (() => void) | undefined
  const lateness = new Promise<Otherwise>((resolve) => {
    cancel = clock.after(late.milliseconds, () => resolve(late.otherwise))
  })
  try {
    return await Promise.race([promise, lateness])
  } finally {
    cancel?.()
  }
}
