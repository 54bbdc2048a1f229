// The second lock on the wall: `core` is a TypeScript project of its own, and compiles with nothing of the realm.
// A seed that names the realm, by a type only, must be an error of the compiler itself.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

/** TypeScript: file is not listed within the file list of the project. */
const OUTSIDE_THE_PROJECT = 'TS6307'

const house = mkdtempSync(join(tmpdir(), 'keyrealm-core-alone-'))
after(() => rmSync(house, { recursive: true, force: true }))

for (const part of ['src', 'tsconfig.json', 'package.json'])
  cpSync(join(ROOT, part), join(house, part), { recursive: true })
symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'))

const compile = (): string => {
  const args = [TSC, '--noEmit', '-p', join(house, 'src/core/tsconfig.json')]
  return spawnSync(process.execPath, args, { cwd: house, encoding: 'utf8' }).stdout
}

const compileWith = (seed: string): string => {
  const path = join(house, 'src/core/seed.ts')
  writeFileSync(path, `// A seed.\n${seed}\n`)
  const output = compile()
  rmSync(path)
  return output
}

describe('core compiles alone', () => {
  test('and as it stands it has no error', () => assert.equal(compile(), ''))

  for (const seed of [
    "export type { RefusalCode as Code } from '../kms/index.ts'",
    "import type { Keyring } from '../kms/keyring/keyring.ts'\nexport type K = Keyring",
    "export type S = import('../crypto/index.ts').SecretBytes",
    "export { openStore } from '../store/index.ts'",
  ])
    test(`refuses in core: ${seed.split('\n')[0]}`, () => {
      assert.match(compileWith(seed), new RegExp(`seed\\.ts.*${OUTSIDE_THE_PROJECT}`))
    })
})
