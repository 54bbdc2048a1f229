// Known secrets, and every form in which one could lie about in bytes: as it is, in hexadecimal, in base64 and
// base64url at each of the three alignments that its place in a longer text can give it.

/** What must not be found, by a name that may be printed. */
export type Marks = ReadonlyMap<string, Uint8Array>

export interface Hay {
  /** A file, a stream, a page. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** Shorter ones would be found by chance. A hash of the search index has as many. */
const LEAST_BYTES = 10

/** The characters of base64 that are the same whatever stands before and after. */
const steadyPart = (
  bytes: Uint8Array,
  before: number,
  encoding: 'base64' | 'base64url',
): string => {
  const padded = Buffer.concat([Buffer.alloc(before), bytes])
  const whole = Math.floor((padded.length * 8) / 6)
  return padded.toString(encoding).slice(Math.ceil((before * 8) / 6), whole)
}

export const formsOf = (bytes: Uint8Array): ReadonlyMap<string, Buffer> => {
  if (bytes.length < LEAST_BYTES) throw new Error('the mark is too short')
  const hex = Buffer.from(bytes).toString('hex')
  const forms = new Map<string, Buffer>([
    ['raw', Buffer.from(bytes)],
    ['hex', Buffer.from(hex)],
    ['HEX', Buffer.from(hex.toUpperCase())],
  ])
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const before of [0, 1, 2]) {
      forms.set(`${encoding} +${before}`, Buffer.from(steadyPart(bytes, before, encoding)))
    }
  }
  return forms
}

/** Where which mark was found, in which form; a mark's value is never printed. */
export const findMarks = (marks: Marks, hay: readonly Hay[]): readonly string[] =>
  [...marks].flatMap(([name, mark]) =>
    [...formsOf(mark)].flatMap(([form, needle]) =>
      hay
        .filter(({ bytes }) =>
          Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(needle),
        )
        .map((one) => `${name} as ${form} in ${one.name}`),
    ),
  )

export const textMark = (text: string): Uint8Array => new TextEncoder().encode(text)
