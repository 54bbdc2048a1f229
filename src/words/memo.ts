// Remembers what was computed, within bounds. For pure functions only: what is forgotten is computed again.

/**
 * Two generations: what is used again survives, the rest goes when the younger one is full.
 * Holds at most `limit` results, `limit` even. It is the memory of one process and is never written anywhere.
 */
export const remembering = (
  limit: number,
  compute: (key: string) => string,
): ((key: string) => string) => {
  let young = new Map<string, string>()
  let old = new Map<string, string>()
  const keep = (key: string, value: string): string => {
    if (young.size >= limit / 2) {
      old = young
      young = new Map()
    }
    young.set(key, value)
    return value
  }
  return (key) => young.get(key) ?? keep(key, old.get(key) ?? compute(key))
}
