// What the parts of the core are handed in unit tests: a clock that stands until told, numbered ids, and a
// record of what was counted.

import type { Surroundings } from '../../../src/core/ports.ts'
import { silentLog } from '../../../src/runtime/index.ts'
import { instant } from '../../../src/time.ts'

export const makeSurroundings = () => {
  const counted: string[] = []
  let nowMs = 1_000_000
  let ids = 0
  const surroundings: Surroundings = {
    now: () => instant(nowMs),
    newId: () => {
      ids += 1
      return `id-${ids}`
    },
    log: silentLog,
    meter: {
      request: () => undefined,
      post: (outcome) => counted.push(`post ${outcome}`),
      answer: (outcome) => counted.push(`answer ${outcome}`),
      operation: (verdict) => counted.push(`operation ${verdict}`),
      search: (outcome) => counted.push(`search ${outcome}`),
      sockets: () => undefined,
      eventDropped: (reason) => counted.push(`dropped ${reason}`),
      introspection: (outcome) => counted.push(`introspection ${outcome}`),
      lines: () => undefined,
    },
  }
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { surroundings, counted, pass }
}
