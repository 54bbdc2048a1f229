// The entries of a log follow each other from 1 without gaps.

import assert from 'node:assert/strict'

export const assertNumbered = (entries: readonly { readonly sequence: number }[]): void => {
  assert.deepEqual(
    entries.map(({ sequence }) => sequence),
    entries.map((_, index) => index + 1),
    'the log has gaps',
  )
}
