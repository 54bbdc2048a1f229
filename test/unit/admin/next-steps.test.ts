// Advice is about failures that there are, names commands that there are, and fits on a line or two.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const SOURCES = join(import.meta.dirname, '../../../src')
const advice = readFileSync(join(SOURCES, 'admin/next-steps.ts'), 'utf8')
const codes = [...advice.matchAll(/^ {2}'([a-z.-]+)':/gm)].map(([, code]) => code ?? '')
const elsewhere = globSync('**/*.ts', { cwd: SOURCES })
  .filter((file) => !file.endsWith('next-steps.ts'))
  .map((file) => readFileSync(join(SOURCES, file), 'utf8'))
  .join('\n')

/** Codes that are put together: `audit.log-${verdict}`. */
const isMade = (code: string): boolean => {
  const [, stem, end] = /^(.*[.-](?:log|file)-)(.+)$/.exec(code) ?? []
  return elsewhere.includes(`${stem}\${`) && elsewhere.includes(`'${end}'`)
}

test('every code with advice is one that the program has', () => {
  assert.ok(codes.length > 20)
  for (const code of codes) {
    assert.ok(elsewhere.includes(`'${code}'`) || isMade(code), code)
  }
})
