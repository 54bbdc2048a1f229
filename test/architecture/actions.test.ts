// The table of everything that the audit log can say is complete: what the code records stands in it, and nothing else.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createRenderer } from '../../src/audit/index.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** As the rooms write it: a member `action`, or the first argument of a helper that makes one. */
const NAMING = /\baction: [^\n]*|\b(?:act|actsOf|decided)\(\s*'[^\n]*|\brecordUse\([^)]*'[^\n]*/g
const NAME = /'([a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*)'/g

const recorded = (): readonly string[] => {
  const files = globSync('src/{audit,federation,kms,indexer,main}/**/*.ts', { cwd: ROOT })
  const lines = files.flatMap((file) => read(file).match(NAMING) ?? [])
  return lines.flatMap((line) => [...line.matchAll(NAME)].map(([, name]) => name ?? ''))
}

const described = (): readonly string[] =>
  [...read('src/audit/actions.md').matchAll(/^\| `([a-z.-]+)` \|/gm)].map(([, name]) => name ?? '')

test('every action that is recorded is described, once, and no other', () => {
  const [inCode, inTable] = [[...new Set(recorded())].sort(), described()]
  assert.ok(inCode.length > 45, `${inCode.length} found`)
  assert.deepEqual(inTable.toSorted(), inCode)
})

test('the tag of each action in the layout hds is the one that the table says', () => {
  const rows = [...read('src/audit/actions.md').matchAll(/^\| `([a-z.-]+)` \|.*\| ?(.*?) ?\|$/gm)]
  const tagOf = (body: object): string | undefined =>
    /\[KMS:([A-Z]+)\]/.exec(
      createRenderer({ layout: 'hds', version: '1' })({ sequence: 1, body: JSON.stringify(body) }),
    )?.[1]
  const asked = rows.map(([, action]) => [action, tagOf({ action, method: 'retrieve' })])
  const own = rows.map(([, action]) => [action, tagOf({ action })])
  const said = rows.map(([, action, tag]) => [action, tag === '' ? 'EVENT' : 'REQUEST'])
  const isEither = new Set(
    rows.filter(([, , tag]) => tag?.endsWith('if asked for')).map(([, a]) => a),
  )
  assert.equal(isEither.size, 1)
  assert.deepEqual(asked, said)
  assert.deepEqual(
    own,
    said.map(([action, tag]) => [action, isEither.has(action) ? 'EVENT' : tag]),
  )
})
