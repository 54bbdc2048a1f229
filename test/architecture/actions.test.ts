// The table of everything that the audit log can say is complete: what the code records stands in it, and nothing else.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

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
