// Reads an entry as everybody must read it: UTF-8, JSON, in the one spelling of RFC 8785. What has two spellings can
// say two things to two readers (a member twice, a number that rounds), so any other spelling is none.

/** Version of the entry's form. */
export const ENTRY_VERSION = 1

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for bytes that are not UTF-8. A byte order mark is a character like others. */
export const textIn = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** Members in code-unit order of their names, and no lone surrogates, all the way down. */
const isOrdered = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed()
  if (Array.isArray(value)) return value.every(isOrdered)
  if (typeof value !== 'object' || value === null) return true
  let before: string | undefined
  for (const [name, member] of Object.entries(value)) {
    if (before !== undefined && name <= before) return false
    if (!name.isWellFormed() || !isOrdered(member)) return false
    before = name
  }
  return true
}

/** Undefined unless the text is an object in canonical form. */
export const parseCanonical = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return JSON.stringify(value) === text && isOrdered(value) ? value : undefined
  } catch {
    // Not JSON, or nested too deeply to be an entry.
    return undefined
  }
}
