// RFC 8785 for values that JSON can hold, written from its text and from nothing of ours: the yardstick for
// `encodeEntry`. Members are sorted by their UTF-16 code units; members without a value do not exist.

const quote = (text: string): string => {
  const printed = (code: number): string => {
    const short = new Map([
      [8, 'b'],
      [9, 't'],
      [10, 'n'],
      [12, 'f'],
      [13, 'r'],
      [34, '"'],
      [92, '\\'],
    ])
    const letter = short.get(code)
    if (letter !== undefined) return `\\${letter}`
    return code < 0x20 ? `\\u${code.toString(16).padStart(4, '0')}` : String.fromCharCode(code)
  }
  return `"${Array.from({ length: text.length }, (_, index) => printed(text.charCodeAt(index))).join('')}"`
}

const compareCodeUnits = (left: string, right: string): number => {
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = left.charCodeAt(index) - right.charCodeAt(index)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

export const canonicalJson = (value: unknown): string => {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quote(value)
  // §3.2.2.3: numbers as ECMAScript prints them; -0 is 0.
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object') throw new Error('not a JSON value')
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => compareCodeUnits(left, right))
    .map(([name, member]) => `${quote(name)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}
