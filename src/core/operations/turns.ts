// One at a time: whoever changes a room's membership or key has the room's turn until core and realm have both
// ended it. The others wait, each as long as it likes, in order. What concerns two rooms takes both turns, in one
// order for everybody, so that no two wait for each other.

export type Release = () => void

/** Whose turns somebody needs, as it is when it is asked. */
export type Wanted = () => Promise<readonly string[]> | readonly string[]

export interface Taken {
  readonly keys: readonly string[]
  readonly release: Release
}

export interface Turns {
  /**
   * The turns, now or within so much time; undefined if they did not come. Asked again once they have come, and
   * taken anew if others are needed: a room may have entered or left a team meanwhile.
   */
  take(wanted: Wanted, withinMs: number): Promise<Taken | undefined>
  /** The turns, before anybody else can have come. */
  hold(keys: readonly string[]): Release
}

/** Each once. */
const inOrder = (keys: readonly string[]): readonly string[] => [...new Set(keys)].toSorted()

const together =
  (releases: readonly Release[]): Release =>
  () => {
    for (const release of releases) release()
  }

export const openTurns = (): Turns => {
  const { takeOne, holdOne } = openQueues()
  const takeAll = async (keys: readonly string[], untilMs: number) => {
    const releases: Release[] = []
    for (const key of keys) {
      const next = await takeOne(key, Math.max(0, untilMs - performance.now()))
      if (next === undefined) {
        together(releases)()
        return undefined
      }
      releases.push(next)
    }
    return together(releases)
  }
  return {
    hold: (keys) => together(keys.map(holdOne)),
    async take(wanted, withinMs) {
      const untilMs = performance.now() + withinMs
      for (;;) {
        const keys = inOrder(await wanted())
        const release = await takeAll(keys, untilMs)
        if (release === undefined) return undefined
        if (inOrder(await wanted()).every((key) => keys.includes(key))) return { keys, release }
        release()
      }
    },
  }
}

const openQueues = () => {
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
    holdOne(key: string): Release {
      waiting.set(key, [])
      return releaseOf(key)
    },
    takeOne(key: string, withinMs: number): Promise<Release | undefined> {
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
