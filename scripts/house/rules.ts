// Judges the facts of a source tree by the import table. Pure: files come in as text, violations go out as data.
// What the table does not name is refused; nothing is allowed by silence.

import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import {
  BEYOND_THE_WALL,
  BROWSER_ROOMS,
  EMPTY_NAMES,
  type FileGrant,
  GROUND,
  LONGEST_FILE_LINES,
  MANIFEST,
  NODE_ADAPTERS,
  ROOMS,
  ROOT_GRANT,
  type Room,
  WEBCRYPTO_ROOMS,
} from '../boundaries.ts'
import { judgeGraph, resolve } from './graph.ts'
import { isRoot, type Place, type Rule, roomOf, type Tree, type Violation } from './place.ts'
import { type Import, type Mention, readSource } from './source.ts'

const DOOR = 'index.ts'
const BUILTINS = new Set(builtinModules)

const insideRoom = (path: string): string => path.slice(path.indexOf('/') + 1)

const isGround = (path: string): boolean => GROUND.includes(path)

/** `name` allows root and subpaths; `name/*` subpaths only; `@scope/*` the whole scope. */
const matches = (specifier: string, pattern: string): boolean =>
  pattern.endsWith('/*')
    ? specifier.startsWith(pattern.slice(0, -1))
    : specifier === pattern || specifier.startsWith(`${pattern}/`)

const grantsOf = ({ path, room }: Place): readonly FileGrant[] => {
  if (room === undefined) return isRoot(path) ? [ROOT_GRANT] : []
  const own = ROOMS[room]
  const inside = insideRoom(path)
  const extra = Object.entries(own?.files ?? {}).filter(([name]) =>
    name.endsWith('/') ? inside.startsWith(name) : inside === name,
  )
  return [...(own === undefined ? [] : [own]), ...extra.map(([, grant]) => grant)]
}

const judgeBuiltin = (place: Place, name: string): string | undefined => {
  const isGranted = grantsOf(place).some(({ builtins = [] }) => builtins.includes(name))
  return isGranted ? undefined : `node:${name} has no place here`
}

const judgeLibrary = (place: Place, specifier: string): string | undefined => {
  const isGranted = grantsOf(place).some(({ libraries = [] }) =>
    libraries.some((pattern) => matches(specifier, pattern)),
  )
  return isGranted ? undefined : `the library ${specifier} has no place here`
}

const judgeExternal = (place: Place, specifier: string): [Rule, string] | undefined => {
  const name = specifier.replace(/^node:/, '')
  if (specifier.startsWith('node:') || BUILTINS.has(name)) {
    const says = judgeBuiltin(place, name)
    return says === undefined ? undefined : ['builtin', says]
  }
  const says = judgeLibrary(place, specifier)
  return says === undefined ? undefined : ['library', says]
}

const judgeRoomToRoom = (
  from: string,
  to: string,
  isTypeOnly: boolean,
): [Rule, string] | undefined => {
  const table: Room | undefined = ROOMS[from]
  if (table?.rooms.includes(to)) return undefined
  if (!table?.types?.includes(to)) return ['room', `${from} may not import ${to}`]
  return isTypeOnly
    ? undefined
    : ['types-only', `${from} may import types of ${to}, and nothing that runs`]
}

/** An import that stays inside `src/`; `to` is a path that exists. */
const judgeInternal = (
  place: Place,
  to: string,
  isTypeOnly: boolean,
): [Rule, string] | undefined => {
  const target = roomOf(to)
  if (target === undefined) {
    if (isGround(to) || isRoot(place.path)) return undefined
    return ['room', `${to} belongs to the composition root: no room imports it`]
  }
  if (isGround(place.path)) return ['room', 'ground files import no room']
  if (target === place.room)
    return to === `${target}/${DOOR}`
      ? ['own-door', 'inside a room, import the file itself']
      : undefined
  if (to !== `${target}/${DOOR}`)
    return ['door', `${target} is entered by its door, ${target}/${DOOR}`]
  if (place.room !== undefined) return judgeRoomToRoom(place.room, target, isTypeOnly)
  return BEYOND_THE_WALL.includes(target)
    ? ['room', `the realm never imports ${target}`]
    : undefined
}

const judgeImport = (place: Place, one: Import, tree: Tree): [Rule, string] | undefined => {
  const { specifier, isTypeOnly } = one
  if (specifier === undefined) return ['hidden-loader', 'an import computed at run time']
  if (!specifier.startsWith('.')) return judgeExternal(place, specifier)
  const to = resolve(place.path, specifier)
  if (to === MANIFEST && isRoot(place.path)) return undefined
  if (!tree.has(to)) return ['unresolved', `${specifier} is no file of src/`]
  return judgeInternal(place, to, isTypeOnly)
}

const judgeImports = (place: Place, tree: Tree): Violation[] =>
  place.facts.imports.flatMap((one) => {
    const judged = judgeImport(place, one, tree)
    if (judged === undefined) return []
    return [{ file: place.path, line: one.line, rule: judged[0], says: judged[1] }]
  })

const judgeMentions = ({ path, room, facts }: Place): Violation[] => {
  const report = (rule: Rule, mentions: readonly Mention[], says: string): Violation[] =>
    mentions.map(({ name, line }) => ({ file: path, line, rule, says: `${name} ${says}` }))
  const isBrowserFile =
    room !== undefined && BROWSER_ROOMS.includes(room) && !NODE_ADAPTERS.includes(path)
  const kind = room === undefined ? 'edge' : ROOMS[room]?.kind
  const isPure = kind === 'language' || kind === 'domain'
  const foreignCrypto = facts.webCrypto.filter(({ name }) => isPure || name !== 'crypto.randomUUID')
  return [
    ...report('hidden-loader', facts.hiddenLoaders, 'loads code past the import table'),
    ...report('hidden-loader', facts.tripleSlashes, 'brings in what no import names'),
    ...report('shape', facts.notInAClone, 'is in no clone of this repository'),
    ...report('node-global', isBrowserFile ? facts.nodeGlobals : [], 'does not exist in a browser'),
    ...report(
      'web-crypto',
      room !== undefined && WEBCRYPTO_ROOMS.includes(room) ? [] : foreignCrypto,
      'belongs behind the door of crypto',
    ),
  ]
}

const judgePlace = ({ path, room }: Place): Violation[] => {
  const isListed = room === undefined ? isGround(path) || isRoot(path) : room in ROOMS
  if (isListed) return []
  const rule = room === undefined ? 'unlisted-file' : 'unlisted-room'
  return [{ file: path, line: 1, rule, says: `${room ?? path} is not in scripts/boundaries.ts` }]
}

const judgeShape = ({ path, facts }: Place): Violation[] => {
  const says = (line: number, text: string): Violation => ({
    file: path,
    line,
    rule: 'shape',
    says: text,
  })
  const name = posix.basename(path).replace(/\..*$/, '')
  const folders = posix.dirname(path).split('/')
  return [
    ...facts.parseErrors.map((error) => says(1, `does not parse: ${error}`)),
    ...(path.endsWith('.ts') ? [] : [says(1, 'only .ts files live in src/')]),
    ...(facts.hasOpeningComment ? [] : [says(1, 'does not start by saying what it is for')]),
    ...([name, ...folders].some((part) => EMPTY_NAMES.includes(part))
      ? [says(1, 'has an empty name')]
      : []),
    ...(facts.lineCount > LONGEST_FILE_LINES && !path.includes('/migrations/')
      ? [says(LONGEST_FILE_LINES, `has ${facts.lineCount} lines; ${LONGEST_FILE_LINES} is the end`)]
      : []),
  ]
}

/** All violations of a tree of sources: file by file first, then what only the whole graph shows. */
export const judge = (tree: Tree): Violation[] => {
  const places = [...tree].map(([path, text]) => ({
    path,
    room: roomOf(path),
    facts: readSource(path, text),
  }))
  const inFiles = places.flatMap((place) => [
    ...judgePlace(place),
    ...judgeImports(place, tree),
    ...judgeMentions(place),
    ...judgeShape(place),
  ])
  return [...inFiles, ...judgeGraph(places, tree)]
}
