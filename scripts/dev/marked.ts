// How a found text is shown to people: what was found stands between two signs. It decides nothing.
import type { HitPart } from '../../src/client/index.ts'

/** `begin` and `end` around each range of the text. */
export function marked({ text, ranges }: HitPart, [begin, end]: readonly [string, string]): string {
  let shown = ''
  let from = 0
  for (const range of ranges) {
    shown += `${text.slice(from, range.start)}${begin}${text.slice(range.start, range.end)}${end}`
    from = range.end
  }
  return shown + text.slice(from)
}
