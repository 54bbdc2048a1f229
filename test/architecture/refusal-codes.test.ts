// The closed list of refusal codes is true: each code is told to callers in one way, is used, and has a test.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const LIST = 'src/refusal.ts'
const TOLD = 'src/protocol/status.ts'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const codes = [...read(LIST).matchAll(/^ {2}\| '([a-z.-]+)'/gm)].map(([, code]) => code ?? '')

const filesNaming = (pattern: string, except: readonly string[]): ((code: string) => boolean) => {
  const files = globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**'] })
  const texts = files.filter((path) => !except.includes(path)).map(read)
  return (code) => texts.some((text) => text.includes(`'${code}'`))
}

describe('every refusal code', () => {
  test('stands on the list once', () => {
    assert.ok(codes.length > 40, `${codes.length} codes read from ${LIST}`)
    assert.deepEqual(codes, [...new Set(codes)])
  })

  test('has its row in the table of what callers are told', () => {
    const table = read(TOLD)
    assert.deepEqual(
      codes.filter((code) => !table.includes(`'${code}'`)),
      [],
    )
  })

  test('is given by some code', () => {
    const isGiven = filesNaming('src/**/*.ts', [LIST, TOLD])
    assert.deepEqual(
      codes.filter((code) => !isGiven(code)),
      [],
    )
  })

  test('has a test that names it', () => {
    const isTested = filesNaming('test/**/*.test.ts', ['test/architecture/refusal-codes.test.ts'])
    assert.deepEqual(
      codes.filter((code) => !isTested(code)),
      [],
    )
  })
})
