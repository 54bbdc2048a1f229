import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, resolve } from 'node:path'
import { test } from 'node:test'

const ROOM = resolve(import.meta.dirname, '../../../src/client')
const SPECIFIER = /(?:from|import)\s*\(?\s*'([^']+)'/g
const WORDS = resolve(import.meta.dirname, '../../../src/words')
const PACKAGES = new Set(['jose', '@peculiar/x509', 'reflect-metadata', '@noble/hashes'])
const STEMMERS = new Set(['natural', '@orama/stemmers'])

const importsOf = (file: string): readonly string[] =>
  [...readFileSync(file, 'utf8').matchAll(SPECIFIER)].map(([, specifier = '']) => specifier)

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Everything that the file needs, packages by name. */
const reach = (file: string, files = new Set<string>(), others = new Set<string>()) => {
  if (files.has(file)) return { files, others }
  files.add(file)
  for (const specifier of importsOf(file)) {
    if (specifier.startsWith('.')) reach(resolve(dirname(file), specifier), files, others)
    else others.add(specifier)
  }
  return { files, others }
}

test('nothing behind the client door needs Node, or another room than the one of words', () => {
  const { files, others } = reach(`${ROOM}/index.ts`)
  for (const file of files) assert.ok([ROOM, WORDS].includes(dirname(file)), file)
  for (const name of others) {
    assert.equal(isBuiltin(name), false, name)
    assert.ok(PACKAGES.has(packageOf(name)) || STEMMERS.has(packageOf(name)), name)
  }
})

test('every file of the room is behind one of its two doors', () => {
  const files = new Set([...reach(`${ROOM}/index.ts`).files, ...reach(`${ROOM}/node.ts`).files])
  const all = readdirSync(ROOM).filter((name) => name.endsWith('.ts'))
  assert.deepEqual(
    all.filter((name) => !files.has(`${ROOM}/${name}`)),
    [],
  )
})

test('no file of the client but node.ts names a global of Node', () => {
  const { files } = reach(`${ROOM}/index.ts`)
  for (const file of files) {
    const code = readFileSync(file, 'utf8').replaceAll(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
    assert.doesNotMatch(code, /\b(?:Buffer|process|require|__dirname|setImmediate)\b/, file)
  }
})
