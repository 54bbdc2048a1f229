// Reads one source file into the facts the house rules are about: what it imports, by which means, and on which line.
// A real parser (oxc) does the reading: it sees type-only imports, `export … from`, `import()` and `import x = require()`,
// none of which a stripped or bundled program still shows. TypeScript 7 offers no stable programming interface.

import { parseSync, Visitor } from 'oxc-parser'
import { HIDDEN_LOADERS, NODE_GLOBALS, NOT_IN_A_CLONE } from '../boundaries.ts'

export interface Import {
  /** What is written between the quotes; undefined when it is computed at run time. */
  readonly specifier: string | undefined
  /** `import type`, `export type … from`, `import('…').T`: leaves nothing behind at run time. */
  readonly isTypeOnly: boolean
  readonly line: number
}

export interface Mention {
  readonly name: string
  readonly line: number
}

export interface SourceFacts {
  readonly imports: readonly Import[]
  readonly hiddenLoaders: readonly Mention[]
  readonly nodeGlobals: readonly Mention[]
  readonly webCrypto: readonly Mention[]
  readonly notInAClone: readonly Mention[]
  readonly tripleSlashes: readonly Mention[]
  readonly parseErrors: readonly string[]
  readonly lineCount: number
  readonly hasOpeningComment: boolean
}

const WEBCRYPTO_MEMBERS = ['subtle', 'getRandomValues', 'randomUUID']

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length

interface Node {
  readonly type: string
  readonly start: number
}

const literal = (node: Node & { readonly value?: unknown }): string | undefined =>
  typeof node.value === 'string' ? node.value : undefined

/** `crypto` or `globalThis.crypto`. */
const namesWebCrypto = (node: Node & { name?: unknown; property?: unknown }): boolean =>
  node.type === 'Identifier'
    ? node.name === 'crypto'
    : node.type === 'MemberExpression' && nameOf(node.property) === 'crypto'

const nameOf = (node: unknown): unknown =>
  typeof node === 'object' && node !== null && 'name' in node ? node.name : undefined

interface Construction {
  readonly callee: unknown
  readonly arguments: readonly unknown[]
}

/** `new URL('./worker.ts', import.meta.url)`: how a worker is started without importing it. */
const isFileUrl = ({ callee, arguments: [, base] }: Construction): boolean =>
  nameOf(callee) === 'URL' &&
  typeof base === 'object' &&
  base !== null &&
  'object' in base &&
  typeOf(base.object) === 'MetaProperty'

const typeOf = (node: unknown): unknown =>
  typeof node === 'object' && node !== null && 'type' in node ? node.type : undefined

export const readSource = (path: string, text: string): SourceFacts => {
  const parsed = parseSync(path, text)
  const imports: Import[] = []
  const hiddenLoaders: Mention[] = []
  const nodeGlobals: Mention[] = []
  const webCrypto: Mention[] = []

  const add = (from: Node, source: Node, isTypeOnly: boolean): void => {
    imports.push({ specifier: literal(source), isTypeOnly, line: lineAt(text, from.start) })
  }
  const mention = (list: Mention[], name: string, node: Node): void => {
    list.push({ name, line: lineAt(text, node.start) })
  }

  new Visitor({
    ImportDeclaration: (node) => add(node, node.source, node.importKind === 'type'),
    ExportAllDeclaration: (node) => add(node, node.source, node.exportKind === 'type'),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node, node.source, node.exportKind === 'type')
    },
    ImportExpression: (node) => add(node, node.source, false),
    TSImportType: (node) => add(node, node.source, true),
    TSImportEqualsDeclaration: (node) => mention(hiddenLoaders, 'import = require', node),
    NewExpression: (node) => {
      const [first] = node.arguments
      if (first && isFileUrl(node)) add(node, first, false)
    },
    Identifier: (node) => {
      if (HIDDEN_LOADERS.includes(node.name)) mention(hiddenLoaders, node.name, node)
      if (NODE_GLOBALS.includes(node.name)) mention(nodeGlobals, node.name, node)
    },
    MemberExpression: (node) => {
      const member = nameOf(node.property)
      if (node.object.type === 'MetaProperty' && member === 'resolve')
        mention(hiddenLoaders, 'import.meta.resolve', node)
      if (typeof member !== 'string' || !WEBCRYPTO_MEMBERS.includes(member)) return
      if (namesWebCrypto(node.object)) mention(webCrypto, `crypto.${member}`, node)
    },
  }).visit(parsed.program)

  return {
    imports,
    hiddenLoaders,
    nodeGlobals,
    webCrypto,
    notInAClone: text.split('\n').flatMap((content, index) => {
      const [name] = NOT_IN_A_CLONE.exec(content) ?? []
      return name === undefined ? [] : [{ name, line: index + 1 }]
    }),
    tripleSlashes: parsed.comments
      .filter(({ type, value }) => type === 'Line' && /^\/\s*<reference\b/.test(value))
      .map(({ start }) => ({ name: '/// <reference', line: lineAt(text, start) })),
    parseErrors: parsed.errors.map(({ message }) => message),
    lineCount: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    hasOpeningComment: /^(?:#![^\n]*\n)?\s*(?:\/\/|\/\*)/.test(text),
  }
}
