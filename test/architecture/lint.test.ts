// The lint rules speak: each seed is written into a copy of the house that has only our Biome settings and plugins.
// One run of Biome judges all seeds, so the whole test costs one second.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome')

/** The rule that must speak (`-`: none may), the folder the seed is put in, the seed. */
const SEEDS = `
plugin                              src/kms         export const now = () => Date.now()
plugin                              src/identity    export const now = () => new Date()
plugin                              src/audit       export const now = () => new Date().toISOString()
plugin                              src/audit       export const now = new Date
plugin                              src/audit       export const clock = Date.now
plugin                              src/boundary    export const dice = Math.random
lint/style/noRestrictedGlobals      src/protocol    export const now = () => performance.now()
lint/style/noRestrictedGlobals      src/kms         export const wait = () => setTimeout(() => {}, 1)
lint/style/noRestrictedGlobals      src/kms         export const ask = fetch
lint/correctness/noProcessGlobal    src/kms         export const { env } = process
plugin                              src/boundary    export const dice = () => Math.random()
plugin                              src/crypto      export const id = () => crypto.randomUUID()
plugin                              src/kms         export const id = () => crypto.getRandomValues(new Uint8Array(1))
plugin                              src/kms         export const debug = () => process.env['DEBUG']
plugin                              src/kms         export const debug = () => process.env.DEBUG
plugin                              src/indexer     export const ask = () => fetch('https://example.org')
plugin                              src/federation  export const ask = () => fetch('https://example.org', { method: 'POST' })
plugin                              src/compliance  export const now = () => Date.now()
-                                   src/kms         export const when = (text: string) => new Date(text)
-                                   src/runtime     export const now = () => Date.now()
plugin                              src/store       export const isBusy = (e: Error) => e.message.includes('busy')
plugin                              src/store       export const isBusy = (e: Error) => e.message === 'busy'
plugin                              src/store       export const isBusy = (e: Error) => /busy/.test(e.message)
plugin                              src/store       export const isBusy = (e: Error) => e.message.startsWith('busy')
plugin                              src/store       export const isBusy = (e: Error) => e.message.match(/busy/)
lint/style/noDefaultExport          src/kms         export default 1
lint/performance/noReExportAll      src/kms         export * from './other.ts'
lint/suspicious/noExplicitAny       src/kms         export const f = (x: any) => x
lint/style/noNonNullAssertion       src/kms         export const f = (x?: { y: 1 }) => x!.y
lint/style/noEnum                   src/kms         export enum E { A }
lint/suspicious/noConsole           src/kms         console.log(1)
lint/security/noGlobalEval          src/kms         export const f = (x: string) => eval(x)
lint/suspicious/noTsIgnore          src/kms         // @ts-ignore
lint/style/useThrowOnlyError        src/kms         throw 'busy'
lint/nursery/noFloatingPromises     src/kms         const f = async () => 1; export const g = () => { f() }
lint/nursery/noMisusedPromises      src/kms         const f = async () => true; export const g = async () => { if (f()) return 1; return 2 }
lint/suspicious/noFocusedTests      test/unit       test.only('one', () => {})
lint/suspicious/noSkippedTests      test/unit       test.skip('one', () => {})
lint/style/useNodejsImportProtocol  src/store       import { readFileSync } from 'fs'; readFileSync('x')
lint/style/useImportType            src/kms         import { Thing } from './other.ts'; export const x: Thing = 1
`
  .split('\n')
  .flatMap((line) => {
    const [, rule, folder, seed] = /^(\S+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    return rule && folder && seed ? [{ rule, folder, seed }] : []
  })

const LONG_FUNCTION = ['export const f = () => {', ...Array<string>(61).fill('  f()'), '}'].join(
  '\n',
)
const TANGLED = [
  'export const f = (a: boolean, b: boolean) => {',
  '  if (a) { if (b) { for (;;) { if (a) { while (b) { if (a) f(a, b) } } } } }',
  '}',
].join('\n')

const ALL = [
  ...SEEDS,
  {
    rule: 'lint/complexity/noExcessiveLinesPerFunction',
    folder: 'src/kms',
    seed: LONG_FUNCTION,
  },
  { rule: 'lint/complexity/noExcessiveCognitiveComplexity', folder: 'src/kms', seed: TANGLED },
].map((seed, index) => ({ ...seed, path: `${seed.folder}/seed-${index}.ts` }))

const house = mkdtempSync(join(tmpdir(), 'keyrealm-lint-'))
after(() => rmSync(house, { recursive: true, force: true }))

const furnish = (): void => {
  cpSync(join(ROOT, '.biome.json'), join(house, '.biome.json'))
  for (const plugin of ['no-ambient.grit', 'no-message-matching.grit'])
    cpSync(join(ROOT, 'scripts', plugin), join(house, 'scripts', plugin))
  for (const { path, seed } of ALL) {
    mkdirSync(dirname(join(house, path)), { recursive: true })
    writeFileSync(join(house, path), `// A seed.\n${seed}\n`)
  }
  writeFileSync(join(house, 'src/kms/other.ts'), '// Imported by a seed.\nexport type Thing = 1\n')
}

interface Finding {
  readonly category: string
  readonly location: { readonly path: string }
}

const lint = (): readonly Finding[] => {
  furnish()
  const args = [BIOME, 'lint', '--reporter=json', '--max-diagnostics=none', '.']
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: house, encoding: 'utf8' })
  assert.ok(stdout.startsWith('{'), stderr)
  return JSON.parse(stdout).diagnostics
}

describe('the lint rules', () => {
  const findings = lint()
  const foundIn = (path: string): string[] =>
    findings.filter(({ location }) => location.path === path).map(({ category }) => category)

  for (const { rule, path, folder, seed } of ALL)
    test(`${rule === '-' ? 'accept' : 'refuse'} in ${folder}: ${seed.split('\n')[0]}`, () => {
      const found = foundIn(path)
      if (rule === '-') assert.deepEqual(found, [])
      else
        assert.ok(found.includes(rule), `expected ${rule}, found ${found.join(', ') || 'nothing'}`)
    })
})
