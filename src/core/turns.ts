// One at a time: whoever changes a room's membership or key has the room's turn until core and realm have both
// ended it. The others wait, each as long as it likes, in order.

export type Release = () => void

export interface Turns {
  /** The turn, now or within so much time; undefined if it did not come. */
  take(key: string, withinMs: number): Promise<Release | undefined>
  /** The turn, before anybody else can have come. */
  hold(key: string): Release
}

export const openTurns = (): Turns => {
  const waiting = new Map<string, (() => void)[]>()
  const releaseOf = (key: string): Release => {
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      const next = waiting.get(key)?.shift()
      if (next === undefined) waiting.delete(key)
      else next()
    }
  }
  return {
    hold(key) {
      waiting.set(key, [])
      return releaseOf(key)
    },
    take(key, withinMs) {
      const queue = waiting.get(key)
      if (queue === undefined) {
        waiting.set(key, [])
        return Promise.resolve(releaseOf(key))
      }
      return new Promise((resolve) => {
        const onTurn = (): void => {
          clearTimeout(timer)
          resolve(releaseOf(key))
        }
        const timer = setTimeout(() => {
          queue.splice(queue.indexOf(onTurn), 1)
          resolve(undefined)
        }, withinMs)
        queue.push(onTurn)
      })
    },
  }
}
