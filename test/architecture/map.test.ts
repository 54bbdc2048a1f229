// The map speaks of what is there: seeded differences between a map and a tree are reported, one by one.
// That the real map is true is checked by scripts/check-map.ts, which the last test runs.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { checkNames, checkRooms, compareMap } from '../../scripts/house/map.ts'

const MAP = ['| `main.ts` | joins |', '| `kms/` | keys |', '| `store/` | rows |'].join('\n')

const FILES = [
  'src/main.ts',
  'src/README.md',
  'src/kms/index.ts',
  'src/kms/README.md',
  'src/kms/operations/ping.ts',
  'src/store/index.ts',
  'src/store/README.md',
  'scripts/check-map.ts',
]

const house = (...more: string[]) => ({ files: new Set([...FILES, ...more]) })

describe('the map', () => {
  test('a true map has no complaint', () => {
    assert.deepEqual(compareMap(MAP, house()), [])
    assert.deepEqual(checkRooms(house()), [])
  })

  test('a room that is not on the map is reported', () => {
    assert.deepEqual(compareMap(MAP, house('src/links/index.ts')), ['src/links/ is not on the map'])
  })

  test('a room that does not exist yet may not be listed', () => {
    const map = `${MAP}\n| \`federation/\` | peers |`
    assert.deepEqual(compareMap(map, house()), ['the map lists federation/, which is not there'])
  })

  test('a file at the top that is not on the map is reported', () => {
    assert.deepEqual(compareMap(MAP, house('src/id.ts')), ['src/id.ts is not on the map'])
  })

  test('a row that stands twice is reported', () => {
    assert.deepEqual(compareMap(`${MAP}\n| \`kms/\` | keys |`, house()), [
      'the map lists kms/ twice',
    ])
  })

  test('a room without a door or a README is reported', () => {
    assert.deepEqual(checkRooms(house('src/links/syslog.ts')), [
      'src/links/ has no index.ts',
      'src/links/ has no README.md',
    ])
  })

  test('a README may name files beside it, from src, and from the top', () => {
    const text = 'See `operations/ping.ts`, `store/index.ts` and `scripts/check-map.ts`.'
    assert.deepEqual(checkNames('src/kms/README.md', text, house()), [])
  })

  test('a README that names a file that is gone is reported', () => {
    assert.deepEqual(checkNames('src/kms/README.md', 'See `reveal.ts`.', house()), [
      'src/kms/README.md names reveal.ts, which is not there',
    ])
  })

  test('the real map and READMEs are true', () => {
    const command = join(import.meta.dirname, '../../scripts/check-map.ts')
    const { status, stderr } = spawnSync(process.execPath, [command], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  })
})
