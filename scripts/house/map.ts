// Compares the map (`src/README.md`) with the tree it describes. Pure: text and paths in, complaints out.
// A row of the map begins with a room or a file of `src/` in backticks: `| \`kms/\` |`, `| \`main.ts\` |`.

import { posix } from 'node:path'

/** What there is. Paths use forward slashes and are relative to the repository. */
export interface House {
  readonly files: ReadonlySet<string>
}

/** Every room has one; a README may speak of it without meaning a certain file. */
const DOOR = 'index.ts'

const ROW = /^\|\s*`([^`]+)`/gm
const NAMED_FILE = /`((?:[\w.-]+\/)*[\w.-]+\.ts)`/g

const rowsOf = (map: string): readonly string[] =>
  [...map.matchAll(ROW)].map(([, name]) => name ?? '')

const missing = (wanted: readonly string[], there: readonly string[]): string[] =>
  wanted.filter((name) => !there.includes(name))

const inSource = ({ files }: House): readonly string[] =>
  [...files].filter((path) => path.startsWith('src/')).map((path) => path.slice('src/'.length))

const roomsOf = (house: House): readonly string[] => [
  ...new Set(
    inSource(house)
      .filter((path) => path.includes('/'))
      .map((path) => `${path.split('/')[0]}/`),
  ),
]

const topFilesOf = (house: House): readonly string[] =>
  inSource(house).filter((path) => !path.includes('/') && path !== 'README.md')

/** Rooms and top-level files are listed exactly: none missing, none that is not there. */
export const compareMap = (map: string, house: House): string[] => {
  const rows = rowsOf(map)
  const real = [...roomsOf(house), ...topFilesOf(house)]
  const listedTwice = rows.filter((name, index) => rows.indexOf(name) !== index)
  return [
    ...missing(real, rows).map((name) => `src/${name} is not on the map`),
    ...missing(rows, real).map((name) => `the map lists ${name}, which is not there`),
    ...listedTwice.map((name) => `the map lists ${name} twice`),
  ]
}

/** The folder of the composition root is no room: nothing enters it, so it has no door. */
const NO_ROOM = 'main/'

/** Every room has a door and a README. */
export const checkRooms = (house: House): string[] =>
  roomsOf(house).flatMap((room) =>
    (room === NO_ROOM ? [] : [DOOR, 'README.md'])
      .filter((name) => !house.files.has(`src/${room}${name}`))
      .map((name) => `src/${room} has no ${name}`),
  )

/** A README names no file that is not there: `file.ts` beside it, or a path from `src/` or from the top. */
export const checkNames = (readme: string, text: string, { files }: House): string[] => {
  const beside = readme.slice(0, readme.lastIndexOf('/') + 1)
  const named = [...text.matchAll(NAMED_FILE)].map(([, name]) => name ?? DOOR)
  const names = [...new Set(named)].filter((name) => name !== DOOR)
  return names
    .filter(
      (name) =>
        ![posix.normalize(`${beside}${name}`), `src/${name}`, name].some((path) => files.has(path)),
    )
    .map((name) => `${readme} names ${name}, which is not there`)
}
