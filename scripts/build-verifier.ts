// Makes verifier/audit-verify.mjs, the verifier that auditors take away: one file, nothing but Node. It is the
// appliance's own code, put behind each other without its types; nothing is written twice. `--check` only compares.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { parseSync } from 'oxc-parser'

const ROOT = join(import.meta.dirname, '..')
const ENTRY = join(ROOT, 'scripts/verifier/main.ts')
export const VERIFIER = join(ROOT, 'verifier/audit-verify.mjs')

interface Import {
  readonly from: string
  readonly names: readonly string[]
}

interface Module {
  readonly file: string
  readonly code: string
  readonly local: readonly Import[]
  readonly builtins: readonly Import[]
}

const withoutTypes = (file: string): string =>
  stripTypeScriptTypes(readFileSync(file, 'utf8'), { mode: 'strip' })

/** Imports go, exports lose their word, what is left is the module's body. */
const readModule = (file: string): Module => {
  const code = withoutTypes(file)
  const { module } = parseSync(file.replace(/\.ts$/, '.mjs'), code)
  const imports = module.staticImports.map((one) => ({
    from: one.moduleRequest.value,
    names: one.entries.map(({ importName, localName }) => {
      if (importName.name !== localName.value) throw new Error(`${file} renames ${localName.value}`)
      return localName.value
    }),
  }))
  const spans = module.staticImports.map(({ start, end }) => ({ start, end }))
  let body = code
  for (const { start, end } of spans.toReversed()) body = body.slice(0, start) + body.slice(end)
  return {
    file,
    code: body.replace(/^export (?=const|class|function|let)/gm, ''),
    local: imports
      .filter(({ from }) => from.startsWith('.'))
      .map(({ from, names }) => ({ from: join(dirname(file), from), names })),
    builtins: imports.filter(({ from }) => from.startsWith('node:')),
  }
}

/** The files of a room in which the names that come through its door are made. */
const throughDoor = (door: string, names: readonly string[]): readonly string[] => {
  const { module } = parseSync(door, readFileSync(door, 'utf8'))
  return names.map((name) => {
    const one = module.staticExports
      .flatMap(({ entries }) => entries)
      .find(({ exportName }) => exportName.name === name)
    if (one?.moduleRequest == null) throw new Error(`${door} does not export ${name}`)
    return join(dirname(door), one.moduleRequest.value)
  })
}

const filesOf = ({ from, names }: Import): readonly string[] =>
  basename(from) === 'index.ts' ? throughDoor(from, names) : [from]

/** Each module after those it needs. */
const inOrder = (entry: string): readonly Module[] => {
  const done = new Map<string, Module>()
  const visit = (file: string): void => {
    if (done.has(file)) return
    const module = readModule(file)
    for (const one of module.local.flatMap(filesOf)) visit(one)
    done.set(file, module)
  }
  visit(entry)
  return [...done.values()]
}

const builtinImports = (modules: readonly Module[], body: string): string => {
  const names = new Map<string, Set<string>>()
  for (const { from, names: some } of modules.flatMap(({ builtins }) => builtins)) {
    const used = some.filter((name) => new RegExp(`\\b${name}\\(`).test(body))
    names.set(from, new Set([...(names.get(from) ?? []), ...used]))
  }
  return [...names]
    .sort()
    .map(([from, some]) => `import { ${[...some].sort().join(', ')} } from '${from}'\n`)
    .join('')
}

const assertOneName = (modules: readonly Module[]): void => {
  const seen = new Set<string>()
  const declared = modules.flatMap(({ code }) =>
    [...code.matchAll(/^(?:const|class|function\*?|let) (\w+)/gm)].map((found) => found[1] ?? ''),
  )
  for (const name of declared) {
    if (seen.has(name)) throw new Error(`two files of the verifier declare ${name}`)
    seen.add(name)
  }
}

interface Declared {
  readonly name: string
  /** With the comment above it. */
  readonly start: number
  readonly end: number
}

const DECLARED = /(?:^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^(?:const|class|function\*?|let) (\w+)/gm

/** The declarations of a text, each up to where the next line begins at the margin with something new. */
const declarationsIn = (text: string): readonly Declared[] => {
  const { program } = parseSync('verifier.mjs', text)
  const spans = program.body.map(({ start, end }) => ({ start, end }))
  return [...text.matchAll(DECLARED)].flatMap((found) => {
    const at = found.index + found[0].length
    const span = spans.find(({ start, end }) => start <= at && at <= end)
    const name = found[1]
    if (span === undefined || name === undefined) return []
    return [{ name, start: found.index, end: span.end }]
  })
}

/** Comments whose type is gone say nothing about what comes next. */
const withoutOrphans = (text: string): string =>
  text.replaceAll(/^\/\*\*(?:(?!\*\/)[\s\S])*\*\/[ \t]*\n(?=[ \t]*\n)/gm, '')

/** Leaves out what the appliance needs of these files and a verifier does not: less to read. */
const withoutUnused = (text: string): string => {
  const unused = declarationsIn(text).find(({ name, start, end }) => {
    const rest = text.slice(0, start) + text.slice(end)
    return !new RegExp(`\\b${name}\\b`).test(rest)
  })
  return unused === undefined
    ? text
    : withoutUnused(text.slice(0, unused.start) + text.slice(unused.end))
}

const HEAD = `#!/usr/bin/env node
// Checks a Keyrealm audit log offline: nothing was altered, nothing is missing. It needs Node 24 and no more: no
// network, no database, no package. Made by scripts/build-verifier.ts from the files named below; Apache-2.0.
`

export const buildVerifier = (): string => {
  const modules = inOrder(ENTRY)
  assertOneName(modules)
  const bodies = modules.map(
    ({ file, code }) => `\n// ===== ${relative(ROOT, file)}\n\n${code.trim()}\n`,
  )
  const body = withoutUnused(withoutOrphans(bodies.join('')))
  const raw = `${HEAD}\n${builtinImports(modules, body)}${body}`
  const biome = join(ROOT, 'node_modules/.bin/biome')
  return execFileSync(biome, ['format', '--stdin-file-path=scripts/verifier/audit-verify.mjs'], {
    cwd: ROOT,
    input: raw,
    encoding: 'utf8',
  })
}

if (import.meta.main) {
  const built = buildVerifier()
  if (!process.argv.includes('--check')) writeFileSync(VERIFIER, built, { mode: 0o755 })
  else if (readFileSync(VERIFIER, 'utf8') !== built) {
    console.error('verifier/audit-verify.mjs is not what its sources make: build it again')
    process.exitCode = 1
  }
}
