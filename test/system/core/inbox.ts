// What arrived and was not looked at yet. Taking waits; that nothing more comes is never waited for, but
// shown by something later that did come.

export interface Inbox<Item> {
  put(item: Item): void
  /** The next item, now or when it comes. */
  take(): Promise<Item>
  /** How many came that nobody took. */
  readonly size: number
}

export const createInbox = <Item>(): Inbox<Item> => {
  const items: Item[] = []
  const waiting: ((item: Item) => void)[] = []
  return {
    put(item) {
      const next = waiting.shift()
      if (next === undefined) items.push(item)
      else next(item)
    },
    take() {
      const [first, ...rest] = items
      if (first === undefined) return new Promise((resolve) => waiting.push(resolve))
      items.splice(0, items.length, ...rest)
      return Promise.resolve(first)
    },
    get size() {
      return items.length
    },
  }
}
