// Two artefacts, entry by entry: which differ, in what, at which bytes. Nothing is forgiven here; which files are
// signatures is the caller's to know.

import { pathOf, type TarEntry } from './tar.ts'

export interface Difference {
  readonly path: string
  /** In words, with places. */
  readonly says: string
}

const TEXT_SHOWN = 80

/** Where two contents part, and how much of them is different. */
const firstDifference = (left: Uint8Array, right: Uint8Array) => {
  const common = Math.min(left.length, right.length)
  let first = -1
  let count = Math.max(left.length, right.length) - common
  for (let at = 0; at < common; at++) {
    if (left[at] === right[at]) continue
    if (first < 0) first = at
    count += 1
  }
  return { at: first < 0 ? common : first, count }
}

const isText = (bytes: Uint8Array): boolean => !bytes.subarray(0, 8192).includes(0)

const lineAt = (bytes: Uint8Array, at: number) => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = text.lastIndexOf(10, Math.max(0, at - 1)) + 1
  const end = text.indexOf(10, at)
  const line = text.subarray(start, end < 0 ? undefined : end).toString('utf8')
  const number = text.subarray(0, start).reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 1)
  // The part around the difference: lines of a bundle can be long.
  const from = Math.max(0, at - start - TEXT_SHOWN / 2)
  return { number, shown: JSON.stringify(line.slice(from, from + TEXT_SHOWN)) }
}

const hexAt = (bytes: Uint8Array, at: number): string =>
  Buffer.from(bytes.subarray(at, at + 8)).toString('hex') || 'nothing'

/** `shipped` is the artefact's, `built` is what the source makes. */
export const describeBytes = (shipped: Uint8Array, built: Uint8Array): string => {
  const { at, count } = firstDifference(shipped, built)
  const size =
    shipped.length === built.length ? '' : `; ${shipped.length} bytes long and not ${built.length}`
  const bytes = `${count} ${count === 1 ? 'byte differs' : 'bytes differ'}, the first at ${at}${size}`
  if (!isText(shipped) || !isText(built)) {
    return `${bytes}: ${hexAt(shipped, at)} where the source makes ${hexAt(built, at)}`
  }
  const [ours, theirs] = [lineAt(shipped, at), lineAt(built, at)]
  return `${bytes} (line ${ours.number}): ${ours.shown} where the source makes ${theirs.shown}`
}

const modeOf = (mode: number): string => mode.toString(8).padStart(4, '0')

const describeEntry = (shipped: TarEntry, built: TarEntry): readonly string[] => {
  const { kind, mode, owner, modifiedAt } = built
  return [
    ...(shipped.kind === kind ? [] : [`is a ${shipped.kind} and not a ${kind}`]),
    ...(shipped.mode === mode ? [] : [`has mode ${modeOf(shipped.mode)} and not ${modeOf(mode)}`]),
    ...(shipped.owner === owner ? [] : [`belongs to ${shipped.owner} and not to ${owner}`]),
    ...(shipped.modifiedAt === modifiedAt
      ? []
      : [`has the time ${shipped.modifiedAt} and not ${modifiedAt}`]),
    ...(Buffer.compare(shipped.bytes, built.bytes) === 0
      ? []
      : [describeBytes(shipped.bytes, built.bytes)]),
  ]
}

const byName = (entries: readonly TarEntry[]): ReadonlyMap<string, TarEntry> =>
  new Map(entries.map((entry) => [entry.name, entry]))

const nameOf = (prefix: string, entry: TarEntry): string =>
  `${prefix}${pathOf(entry) ?? entry.name}`

/** Every difference; `prefix` names what is around the tree. */
export const compareEntries = (
  prefix: string,
  shipped: readonly TarEntry[],
  built: readonly TarEntry[],
): readonly Difference[] => {
  const [ours, theirs] = [byName(shipped), byName(built)]
  const changed = shipped.flatMap((entry) => {
    const path = nameOf(prefix, entry)
    const other = theirs.get(entry.name)
    if (other === undefined) return [{ path, says: 'is there, and the source makes no such file' }]
    return describeEntry(entry, other).map((says) => ({ path, says }))
  })
  const missing = built
    .filter(({ name }) => !ours.has(name))
    .map((entry) => ({ path: nameOf(prefix, entry), says: 'is missing; the source makes it' }))
  return [...changed, ...missing]
}
