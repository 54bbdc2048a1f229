// The wall holds, and it is a wall: each rule of scripts/boundaries.ts is broken on purpose and must be reported.
// Seeds go into a small legal tree in memory, so that exactly one thing is wrong in each.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { BEYOND_THE_WALL, GROUND, ROOMS } from '../../scripts/boundaries.ts'
import type { Rule, Violation } from '../../scripts/house/place.ts'
import { judge } from '../../scripts/house/rules.ts'
import { readTree } from '../../scripts/house/tree.ts'

const SOURCE = join(import.meta.dirname, '../../src')

/** A file that begins as every file does. */
const file = (...lines: string[]): string => ['// A seed.', ...lines, ''].join('\n')

const LEGAL: ReadonlyMap<string, string> = new Map([
  ...GROUND.map((path): [string, string] => [path, file('export type Ground = string')]),
  ...Object.keys(ROOMS).map((room): [string, string] => [
    `${room}/index.ts`,
    file("export type { Thing } from './thing.ts'", "export { thing } from './thing.ts'"),
  ]),
  ...Object.keys(ROOMS).map((room): [string, string] => [
    `${room}/thing.ts`,
    file(
      "import type { Ground } from '../refusal.ts'",
      'export type Thing = Ground',
      'export const thing = 1',
    ),
  ]),
  ['main.ts', file("import { all } from './main/index.ts'", 'export const every = all')],
  ['main/index.ts', file("import { thing } from '../kms/index.ts'", 'export const all = thing')],
])

const seeded = (seeds: Record<string, string>): Violation[] =>
  judge(new Map([...LEGAL, ...Object.entries(seeds)]))

/** One line each: the rule that must speak, the file the seed is put in, the seed. */
const LINES = `
room           core/seed.ts         import type { Thing } from '../kms/index.ts'
room           core/seed.ts         import { type Thing } from '../kms/index.ts'
room           core/seed.ts         import { thing } from '../kms/index.ts'
room           core/seed.ts         export const later = import('../kms/index.ts')
room           core/seed.ts         export type T = import('../kms/index.ts').Thing
room           core/seed.ts         export { thing } from '../kms/index.ts'
room           core/seed.ts         export * from '../kms/index.ts'
room           core/seed.ts         export const w = new URL('../kms/index.ts', import.meta.url)
room           store/seed.ts        import { thing } from '../crypto/index.ts'
room           store/seed.ts        import type { Thing } from '../crypto/index.ts'
types-only     store/seed.ts        import { thing } from '../kms/index.ts'
types-only     client/seed.ts       import { thing } from '../protocol/index.ts'
types-only     client/seed.ts       import { type Thing } from '../protocol/index.ts'
room           protocol/seed.ts     import type { Thing } from '../kms/index.ts'
room           kms/seed.ts          import type { Thing } from '../store/index.ts'
room           main.ts              import { thing } from './core/index.ts'
room           main.ts              import type { Thing } from './client/index.ts'
room           main/seed.ts         import type { Thing } from '../core/index.ts'
door           main/seed.ts         import type { Thing } from '../kms/thing.ts'
builtin        main/seed.ts         import { createHash } from 'node:crypto'
library        main/seed.ts         import { Kysely } from 'kysely'
room           kms/seed.ts          import { all } from '../main.ts'
room           kms/seed.ts          import { all } from '../main/index.ts'
room           time.ts              import { thing } from './crypto/index.ts'

door           kms/seed.ts          import { thing } from '../crypto/thing.ts'
door           main.ts              import type { Thing } from './kms/thing.ts'
own-door       kms/seed.ts          import { thing } from './index.ts'
unresolved     kms/seed.ts          import { thing } from './nothing.ts'
unresolved     links/seed.ts        import manifest from '../../package.json' with { type: 'json' }
unresolved     kms/seed.ts          import key from '../../certs/dev/key.json' with { type: 'json' }

library        kms/seed.ts          import { jwtVerify } from 'jose'
library        listeners/seed.ts    import { jwtVerify } from 'jose/jwt/verify'
library        identity/seed.ts     import forge from 'node-forge'
library        client/seed.ts       import forge from 'node-forge'
library        audit/seed.ts        import { sha256 } from '@noble/hashes/sha2.js'
library        links/seed.ts        import { X509Certificate } from '@peculiar/x509'
library        kms/seed.ts          import type { Kysely } from 'kysely'
library        core/seed.ts         import { Kysely } from 'kysely'
library        listeners/seed.ts    import Database from 'better-sqlite3'
library        runtime/seed.ts      import { Pool } from 'pg'
library        kms/seed.ts          import { Hono } from 'hono'
library        listeners/seed.ts    import { WebSocket } from 'ws'
library        client/seed.ts       import { WebSocket } from 'ws'
library        listeners/seed.ts    import { pino } from 'pino'
library        kms/seed.ts          import { z } from 'zod'
library        words/root.ts        import natural from 'natural'
library        words/root.ts        import natural from 'natural/index.js'
library        words/root.ts        import natural from 'natural/lib/natural/index.js'
library        words/root.ts        import { stemmer } from '@orama/stemmers'
library        words/seed.ts        import stem from 'natural/lib/natural/stemmers/porter_stemmer.js'
library        indexer/seed.ts      import stem from 'natural/lib/natural/stemmers/porter_stemmer.js'
library        client/seed.ts       import { stemmer } from '@orama/stemmers/french'
builtin        words/seed.ts        import { createHash } from 'node:crypto'
node-global    words/seed.ts        export const bytes = Buffer.from('x')
room           words/seed.ts        import type { Thing } from '../crypto/index.ts'
room           core/seed.ts         import { thing } from '../words/index.ts'
library        links/seed.ts        import leftPad from 'left-pad'
library        kms/seed.ts          import { secret } from '#secret'

builtin        kms/seed.ts          import { readFileSync } from 'node:fs'
builtin        kms/seed.ts          import { readFileSync } from 'fs'
builtin        protocol/seed.ts     import { readFile } from 'fs/promises'
builtin        identity/seed.ts     import net from 'node:net'
builtin        audit/seed.ts        import { spawn } from 'node:child_process'
builtin        links/seed.ts        import { spawn } from 'node:child_process'
builtin        links/seed.ts        import { register } from 'node:module'
builtin        kms/seed.ts          import { createHash } from 'node:crypto'
builtin        store/seed.ts        import { createHash } from 'crypto'
builtin        core/seed.ts         import { randomUUID } from 'node:crypto'
builtin        crypto/seed.ts       import { readFileSync } from 'node:fs'
builtin        store/seed.ts        import { DatabaseSync } from 'node:sqlite'
library        client/seed.ts       import 'reflect-metadata'
builtin        client/seed.ts       import { Buffer } from 'node:buffer'
node-global    client/seed.ts       export const bytes = Buffer.from('x')

hidden-loader  links/seed.ts        export const pg = createRequire(import.meta.url)('pg')
hidden-loader  kms/seed.ts          export const fs = require('fs')
hidden-loader  kms/seed.ts          import fs = require('fs')
hidden-loader  kms/seed.ts          export const fs = process.getBuiltinModule('fs')
hidden-loader  core/seed.ts         export const m = import(['..', 'kms', 'index.ts'].join('/'))
hidden-loader  core/seed.ts         export const m = (room: string) => import(room)
hidden-loader  core/seed.ts         export const w = (p: string) => new URL(p, import.meta.url)
hidden-loader  kms/seed.ts          export const m = import.meta.resolve('pg')
hidden-loader  core/seed.ts         /// <reference path="../kms/index.ts" />
web-crypto     kms/seed.ts          export const s = crypto.subtle
web-crypto     kms/seed.ts          export const u = crypto.randomUUID()
web-crypto     core/seed.ts         export const u = globalThis.crypto.getRandomValues(new Uint8Array(1))
web-crypto     main/seed.ts         export const s = crypto.subtle

unlisted-room  util/seed.ts         export const x = 1
unlisted-file  seed.ts              export const x = 1
shape          kms/helpers.ts       export const x = 1
shape          kms/seed.ts          // As protocol.md says.
shape          kms/seed.js          export const x = 1
shape          kms/seed.ts          export const = 1
`
  .split('\n')
  .flatMap((line) => {
    const [, rule, path, seed] = /^(\S+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    return rule && path && seed ? [{ rule, path, seed }] : []
  })

const CORE_USES_ITS_ROOMS = {
  'core/uses.ts': file(
    "import type { Thing } from '../boundary/index.ts'",
    "import type { Thing as Other } from '../runtime/index.ts'",
    'export type Uses = Thing | Other',
  ),
}

interface Seed {
  readonly title: string
  readonly files: Record<string, string>
  readonly rule: Rule
}

/** What takes more than one line to get wrong. */
const SEEDS: readonly Seed[] = [
  {
    title: 'core reaching crypto through boundary',
    files: {
      ...CORE_USES_ITS_ROOMS,
      'boundary/thing.ts': file("import { thing as x } from '../crypto/index.ts'"),
    },
    rule: 'reachable-from-core',
  },
  {
    title: 'core reaching kms through runtime, by a type',
    files: {
      ...CORE_USES_ITS_ROOMS,
      'runtime/thing.ts': file("export type { Thing } from '../kms/index.ts'"),
    },
    rule: 'reachable-from-core',
  },
  {
    title: 'a cycle of two files inside a room',
    files: {
      'kms/one.ts': file("import { two } from './two.ts'", 'export const one = () => two'),
      'kms/two.ts': file("import { one } from './one.ts'", 'export const two = () => one'),
    },
    rule: 'cycle',
  },
  {
    title: 'a cycle of two rooms, by types only',
    files: {
      'kms/one.ts': file("export type { Thing as One } from '../audit/index.ts'"),
      'audit/two.ts': file("export type { Thing as Two } from '../kms/index.ts'"),
    },
    rule: 'cycle',
  },
  {
    title: 'a file that does not say what it is for',
    files: { 'kms/seed.ts': 'export const x = 1\n' },
    rule: 'shape',
  },
  {
    title: 'a file of more than 400 lines',
    files: { 'kms/seed.ts': file(...Array<string>(400).fill('')) },
    rule: 'shape',
  },
]

const assertCaught = (files: Record<string, string>, rule: string): void => {
  const found = seeded(files)
  assert.ok(
    found.some((violation) => violation.rule === rule),
    `expected ${rule}, found ${JSON.stringify(found)}`,
  )
}

describe('the wall', () => {
  test('the tree as it stands has no violation', () => {
    assert.deepEqual(judge(readTree(SOURCE)), [])
  })

  test('the legal tree of the seeds has no violation', () => {
    assert.deepEqual(judge(LEGAL), [])
  })

  test('has at least 70 seeds', () => {
    assert.ok(LINES.length + SEEDS.length >= 70, `${LINES.length + SEEDS.length} seeds`)
  })

  for (const { rule, path, seed } of LINES)
    test(`refuses in ${path}: ${seed}`, () => assertCaught({ [path]: file(seed) }, rule))

  for (const { title, files, rule } of SEEDS)
    test(`refuses ${title}`, () => assertCaught(files, rule))
})

const ALLOWED: readonly (readonly [string, string])[] = [
  ['store/seed.ts', "import type { Thing } from '../kms/index.ts'"],
  ['client/seed.ts', "import type { Thing } from '../protocol/index.ts'"],
  ['client/seed.ts', "import { jwtVerify } from 'jose'"],
  ['client/node.ts', "import { Agent } from 'node:https'"],
  ['core/store/store.ts', "import { Kysely } from 'kysely'"],
  ['core/store/rooms.ts', "import { Kysely } from 'kysely'"],
  ['words/root.ts', "import s from 'natural/lib/natural/stemmers/porter_stemmer.js'"],
  ['words/root.ts', "import { stemmer } from '@orama/stemmers/french'"],
  ['indexer/seed.ts', "import { thing } from '../words/index.ts'"],
  ['client/seed.ts', "import { thing } from '../words/index.ts'"],
  ['kms/seed.ts', "import { refuse } from '../refusal.ts'"],
  ['main.ts', "import { thing } from './store/index.ts'"],
  ['main/seed.ts', "import { thing } from '../store/index.ts'"],
  ['main/seed.ts', "import manifest from '../../package.json' with { type: 'json' }"],
  ['links/seed.ts', "export const at = (path: string) => new URL(path, 'https://core.example')"],
  ['core/seed.ts', 'export const id = crypto.randomUUID()'],
]

describe('what the wall lets through', () => {
  for (const [path, line] of ALLOWED)
    test(`${path}: ${line}`, () => {
      assert.deepEqual(seeded({ [path]: file(line) }), [])
    })
})

describe('the table itself', () => {
  test('names only rooms it lists, and has no cycle', () => {
    const visit = (room: string, path: readonly string[]): void => {
      assert.ok(!path.includes(room), `cycle: ${[...path, room].join(' -> ')}`)
      const entry = ROOMS[room]
      assert.ok(entry, `${room} is not listed`)
      for (const next of [...entry.rooms, ...(entry.types ?? [])]) visit(next, [...path, room])
    }
    for (const room of Object.keys(ROOMS)) visit(room, [])
  })

  test('nobody imports what is beyond the wall', () => {
    for (const [room, { rooms, types = [] }] of Object.entries(ROOMS))
      for (const beyond of BEYOND_THE_WALL)
        assert.ok(![...rooms, ...types].includes(beyond), `${room} may import ${beyond}`)
  })

  test('language and domain rooms have no built-in that reaches outside the process', () => {
    const outside = [
      'fs',
      'fs/promises',
      'net',
      'http',
      'http2',
      'https',
      'tls',
      'dgram',
      'dns',
      'child_process',
    ]
    for (const [room, { kind, builtins = [] }] of Object.entries(ROOMS))
      if (kind === 'language' || kind === 'domain')
        assert.deepEqual(
          builtins.filter((name) => outside.includes(name)),
          [],
          room,
        )
  })

  test('crypto is the only room of the realm with a crypto library', () => {
    const crypto = [
      'jose',
      'node-forge',
      '@noble/hashes',
      '@noble/curves',
      '@peculiar/x509',
      'reflect-metadata',
      '@peculiar/*',
    ]
    for (const [room, { kind, libraries = [], builtins = [] }] of Object.entries(ROOMS)) {
      if (room === 'crypto' || room === 'client') continue
      assert.deepEqual(
        [...libraries, ...builtins].filter((name) => [...crypto, 'crypto'].includes(name)),
        [],
        `${room}, ${kind}`,
      )
    }
  })
})
