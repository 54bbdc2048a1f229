// The map and the READMEs agree with the tree, or this exits 1: rooms, doors, and every file a README names.

import { globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { checkNames, checkRooms, compareMap, type House } from './house/map.ts'

const ROOT = join(import.meta.dirname, '..')
const PLACES = [
  ...['*.*', 'src/**/*.*', 'scripts/**/*.*', 'test/**/*.*', 'config/*.*', 'certs/*.*'],
  'packaging/**/*.*',
]

const found = globSync(PLACES, { cwd: ROOT, exclude: ['**/node_modules/**'] })
const house: House = { files: new Set(found.map((path) => path.split(sep).join('/'))) }
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const readmes = [...house.files].filter((path) => path.endsWith('.md')).sort()
const complaints = [
  ...compareMap(house.files.has('src/README.md') ? read('src/README.md') : '', house),
  ...checkRooms(house),
  ...readmes.flatMap((path) => checkNames(path, read(path), house)),
]

for (const complaint of complaints) console.error(complaint)
console.log(`map: ${readmes.length} READMEs, ${complaints.length} complaints`)
process.exitCode = complaints.length === 0 ? 0 : 1
