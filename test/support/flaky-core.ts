// A core whose relay breaks when it is told to: streams aborted, silent for ever, ended half way, or changed on the way.

import { decodeStreamData } from '../../src/boundary/index.ts'
import type { TestCore } from './peer-world.ts'

export interface FlakyCore {
  /** Ends one stream of those that spoke last. */
  abort(pick: number): void
  silence(pick: number): void
  /** Ends the stream to `to` that speaks next, after its second message. */
  half(to: string): void
  /** Changes a bit of what is relayed next. */
  change(): void
  /** Remembers no stream any more. */
  forget(): void
}

/** How many messages are kept to know who is alive. */
const KEPT = 8

export const makeFlaky = (core: TestCore): FlakyCore => {
  const silenced = new Set<string>()
  let half: { readonly to: string; left: number } | undefined
  let toChange = 0
  const endHalf = (to: string, stream: number): void => {
    if (half === undefined || half.to !== to) return
    half.left -= 1
    if (half.left > 0) return
    half = undefined
    core.abort(to, stream)
  }
  const changed = (message: Uint8Array): Uint8Array => {
    if (toChange === 0) return message
    toChange -= 1
    const copy = Uint8Array.from(message)
    copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
    return copy
  }
  core.tamper = (message, to) => {
    const stream = decodeStreamData(message)?.stream ?? 0
    if (silenced.has(`${to} ${stream}`)) return undefined
    endHalf(to, stream)
    core.seen.splice(0, core.seen.length - KEPT)
    return changed(message)
  }
  /** Whoever was relayed to lately is alive. */
  const alive = (pick: number) => {
    const seen = core.seen[pick % Math.max(1, core.seen.length)]
    return seen && { to: seen.to, stream: decodeStreamData(seen.message)?.stream ?? 0 }
  }
  return {
    abort(pick) {
      const one = alive(pick)
      if (one !== undefined) core.abort(one.to, one.stream)
    },
    silence(pick) {
      const one = alive(pick)
      if (one !== undefined) silenced.add(`${one.to} ${one.stream}`)
    },
    half(to) {
      half = { to, left: 2 }
    },
    change() {
      toChange += 1
    },
    forget() {
      silenced.clear()
      core.seen.length = 0
    },
  }
}
