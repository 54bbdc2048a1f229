// Many streams share one line fairly: each has a lane of its own, lanes take turns, and no more is handed to the line than
// it takes soon. What must not wait (everything that is no bulk data) goes around this, directly to the line.

export interface FairItem {
  readonly bytes: number
  /** Hands the item to the line; `done` is called once it left, or never will. */
  send(done: () => void): void
}

export interface FairWriter {
  /** Behind what this lane has waiting. */
  push(lane: number, item: FairItem): void
  /** Whatever this lane has waiting is not sent any more. */
  drop(lane: number): void
  /** Nothing is sent any more. */
  stop(): void
  readonly waitingBytes: number
}

/** `aheadBytes`: how much may have been handed to the line without having left. */
export const createFairWriter = (aheadBytes: number): FairWriter => {
  // A map keeps its order: the first lane is the one whose turn it is.
  const lanes = new Map<number, FairItem[]>()
  let waitingBytes = 0
  let unsentBytes = 0
  let isStopped = false
  let isPumping = false

  const next = (): FairItem | undefined => {
    const turn = lanes.entries().next()
    if (turn.done) return undefined
    const [lane, items] = turn.value
    const item = items.shift()
    lanes.delete(lane)
    if (items.length > 0) lanes.set(lane, items)
    return item
  }
  const sendOne = (item: FairItem): void => {
    waitingBytes -= item.bytes
    unsentBytes += item.bytes
    item.send(() => {
      unsentBytes -= item.bytes
      pump()
    })
  }
  const pump = (): void => {
    // An item may be done before `send` returns; then the loop that is running goes on.
    if (isPumping) return
    isPumping = true
    while (!isStopped && unsentBytes < aheadBytes) {
      const item = next()
      if (item === undefined) break
      sendOne(item)
    }
    isPumping = false
  }
  const forget = (items: readonly FairItem[]): void => {
    for (const { bytes } of items) waitingBytes -= bytes
  }
  return {
    push(lane, item) {
      if (isStopped) return
      waitingBytes += item.bytes
      const items = lanes.get(lane)
      if (items === undefined) lanes.set(lane, [item])
      else items.push(item)
      pump()
    },
    drop(lane) {
      forget(lanes.get(lane) ?? [])
      lanes.delete(lane)
    },
    stop() {
      isStopped = true
      for (const items of lanes.values()) forget(items)
      lanes.clear()
    },
    get waitingBytes() {
      return waitingBytes
    },
  }
}
