// node:test fails a test on any unhandled rejection, and the SDK leaks one per KMS refusal. This
// counts the leaks that a client file declared harmless and hands every other one to node:test.
import { before } from 'node:test'

type Listener = (reason: unknown, promise: Promise<unknown>) => void

const harmless: ((reason: unknown) => boolean)[] = []
let tolerated = 0

export function tolerate(isHarmless: (reason: unknown) => boolean): void {
  harmless.push(isHarmless)
}

export function toleratedLeaks(): number {
  return tolerated
}

// A hook, because node:test installs its own listeners only once a file has begun to use it.
before(() => {
  const strict = process.listeners('unhandledRejection') as Listener[]
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (reason, promise) => {
    if (harmless.some((matches) => matches(reason))) tolerated += 1
    else for (const listener of strict) listener(reason, promise)
  })
})
