// What only the whole graph shows: what the cloud core can reach, however many imports away, and cycles.

import { posix } from 'node:path'
import { GROUND, REACHABLE_FROM_CORE } from '../boundaries.ts'
import { type Place, roomOf, type Tree, type Violation } from './place.ts'

interface Edge {
  readonly from: string
  readonly to: string
  /** Where the import is written. */
  readonly file: string
  readonly line: number
  readonly isTypeOnly: boolean
}

/** The path below `src/` that a relative specifier means. */
export const resolve = (from: string, specifier: string): string =>
  posix.normalize(posix.join(posix.dirname(from), specifier))

const edgesOf = (places: readonly Place[], tree: Tree): Edge[] =>
  places.flatMap(({ path, facts }) =>
    facts.imports.flatMap(({ specifier, isTypeOnly, line }) => {
      if (!specifier?.startsWith('.')) return []
      const to = resolve(path, specifier)
      return tree.has(to) ? [{ from: path, to, file: path, line, isTypeOnly }] : []
    }),
  )

/** Everything that can be reached from `start`, each with the edge by which it was first reached. */
const reach = (
  start: readonly string[],
  edgesFrom: ReadonlyMap<string, readonly Edge[]>,
): ReadonlyMap<string, Edge> => {
  const reached = new Map<string, Edge>()
  const queue = [...start]
  for (let from = queue.shift(); from !== undefined; from = queue.shift())
    for (const edge of edgesFrom.get(from) ?? [])
      if (!reached.has(edge.to)) {
        reached.set(edge.to, edge)
        queue.push(edge.to)
      }
  return reached
}

const bySource = (edges: readonly Edge[]): ReadonlyMap<string, readonly Edge[]> =>
  Map.groupBy(edges, ({ from }) => from)

const judgeReach = (places: readonly Place[], edges: readonly Edge[]): Violation[] => {
  const start = places.filter(({ room }) => room === 'core').map(({ path }) => path)
  return [...reach(start, bySource(edges))].flatMap(([to, { file, line }]) => {
    const room = roomOf(to)
    const isAllowed = room === undefined ? GROUND.includes(to) : REACHABLE_FROM_CORE.includes(room)
    return isAllowed
      ? []
      : [{ file, line, rule: 'reachable-from-core', says: `core reaches ${to}` }]
  })
}

const judgeCycles = (edges: readonly Edge[]): Violation[] => {
  const edgesFrom = bySource(edges)
  return [...edgesFrom.keys()].flatMap((start) => {
    const closing = reach([start], edgesFrom).get(start)
    if (closing === undefined) return []
    const { file, line } = closing
    return [{ file, line, rule: 'cycle' as const, says: `a cycle through ${start}` }]
  })
}

const betweenRooms = (edges: readonly Edge[]): Edge[] =>
  edges
    .map((edge) => ({
      ...edge,
      from: roomOf(edge.from) ?? edge.from,
      to: roomOf(edge.to) ?? edge.to,
    }))
    .filter(({ from, to }) => from !== to)

/** Between rooms every edge counts, types too; between files only what runs, since types may be mutual. */
export const judgeGraph = (places: readonly Place[], tree: Tree): Violation[] => {
  const edges = edgesOf(places, tree)
  return [
    ...judgeReach(places, edges),
    ...judgeCycles(betweenRooms(edges)),
    ...judgeCycles(edges.filter(({ isTypeOnly }) => !isTypeOnly)),
  ]
}
