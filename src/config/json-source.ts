// Reads the settings text as strict JSON (RFC 8259) and says where it is wrong by line and column.
// It refuses a member that stands twice: JSON.parse would silently keep the last. It never quotes
// the text, because a mistyped secret could stand there.

const TOKEN =
  /[ \t\r\n]*(?:(?<text>"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?<plain>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|(?<mark>[{}[\],:]))/uy
const DEPTH_MAX = 32

export interface JsonProblem {
  /** Dotted path of the member that stands twice; empty for a mistake in the syntax. */
  readonly path: string
  readonly problem: string
}

export type JsonSource = { readonly value: unknown } | { readonly problems: readonly JsonProblem[] }

/** The value of a JSON text, or what is wrong with it: one syntax mistake, or all repeated members. */
export const readJson = (source: string): JsonSource => {
  const reading: Reading = { source, at: 0, problems: [] }
  const isRead = readValue(reading, [])
  if (!isRead || source.slice(reading.at).trim() !== '') {
    return { problems: [{ path: '', problem: `is not JSON at ${placeOf(reading)}` }] }
  }
  if (reading.problems.length > 0) return { problems: reading.problems }
  const value: unknown = JSON.parse(source)
  return { value }
}

interface Reading {
  readonly source: string
  at: number
  readonly problems: JsonProblem[]
}

interface Token {
  readonly kind: 'text' | 'plain' | 'mark'
  readonly raw: string
  readonly end: number
}

const peek = (reading: Reading): Token | undefined => {
  TOKEN.lastIndex = reading.at
  const groups = TOKEN.exec(reading.source)?.groups
  if (groups === undefined) return undefined
  const end = TOKEN.lastIndex
  const { text, plain, mark } = groups
  if (text !== undefined) return { kind: 'text', raw: text, end }
  if (plain !== undefined) return { kind: 'plain', raw: plain, end }
  return mark === undefined ? undefined : { kind: 'mark', raw: mark, end }
}

const take = (reading: Reading, mark: string): boolean => {
  const token = peek(reading)
  if (token?.kind !== 'mark' || token.raw !== mark) return false
  reading.at = token.end
  return true
}

const readValue = (reading: Reading, path: readonly string[]): boolean => {
  if (path.length > DEPTH_MAX) return false
  const token = peek(reading)
  if (token === undefined) return false
  if (token.kind !== 'mark') {
    reading.at = token.end
    return true
  }
  if (take(reading, '{')) return take(reading, '}') || readMembers(reading, path, new Set())
  if (take(reading, '[')) return take(reading, ']') || readElements(reading, path)
  return false
}

const readMembers = (reading: Reading, path: readonly string[], names: Set<string>): boolean => {
  do {
    const token = peek(reading)
    if (token?.kind !== 'text') return false
    const name: unknown = JSON.parse(token.raw)
    if (typeof name !== 'string') return false
    reading.at = token.end
    const memberPath = [...path, name]
    if (names.has(name)) {
      reading.problems.push({ path: memberPath.join('.'), problem: 'stands twice' })
    }
    names.add(name)
    if (!take(reading, ':') || !readValue(reading, memberPath)) return false
  } while (take(reading, ','))
  return take(reading, '}')
}

const readElements = (reading: Reading, path: readonly string[]): boolean => {
  let index = 0
  do {
    if (!readValue(reading, [...path, `${index}`])) return false
    index += 1
  } while (take(reading, ','))
  return take(reading, ']')
}

const placeOf = ({ source, at }: Reading): string => {
  const start = at + (/^[ \t\r\n]*/.exec(source.slice(at))?.[0].length ?? 0)
  const lines = source.slice(0, start).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}
