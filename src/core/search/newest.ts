// The newest results of many matches, looked up a part at a time: a common word must not keep the core from its other
// work while its messages are read.

import { setImmediate } from 'node:timers/promises'
import type { CoreStore, FoundRow, Wanted } from '../store/store.ts'

const MATCHES_AT_ONCE = 1000

/** At most `wanted.limit` of them, newest first. */
export const newestOf = async (
  store: Pick<CoreStore, 'foundRows'>,
  wanted: Wanted,
): Promise<readonly FoundRow[]> => {
  let newest: readonly FoundRow[] = []
  for (let n = 0; n < wanted.refs.length; n += MATCHES_AT_ONCE) {
    if (n > 0) await setImmediate()
    const refs = wanted.refs.slice(n, n + MATCHES_AT_ONCE)
    const rows = [...newest, ...(await store.foundRows({ ...wanted, refs }))]
    newest = rows.toSorted(newestFirst).slice(0, wanted.limit)
  }
  return newest
}

/** As the database orders them. */
const newestFirst = (one: FoundRow, other: FoundRow): number =>
  other.published_at - one.published_at || (one.id < other.id ? 1 : -1)
