// A release built from this checkout and unpacked into a folder, as an operator has it: with its own Node, and settings
// in which only places differ from the template that ships.

import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openArtefact } from '../../scripts/releasing/open-artefact.ts'
import { makeKeys } from '../../scripts/releasing/release-keys.ts'
import { pathOf } from '../../scripts/releasing/tar.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface BuiltRelease {
  /** Where the artefacts lie. */
  readonly out: string
  readonly deb: string
  readonly signersFile: string
}

/** Keys below `folder`, made at the first use; `log` is the evidence of the release before, if there was one. */
export const buildRelease = (
  folder: string,
  name: string,
  { root = ROOT, log }: { readonly root?: string; readonly log?: string } = {},
): BuiltRelease => {
  const keys = join(folder, 'keys')
  if (!readdirSync(folder).includes('keys')) makeKeys(keys, 'releases.test.example')
  const out = join(folder, name)
  const more = log === undefined ? [] : ['--log', log]
  const build = join(root, 'scripts/releasing/build.ts')
  const commit = ['--commit', '0'.repeat(40), '--time', '1795000000']
  execFileSync(process.execPath, [build, ...commit, '--out', out, '--keys', keys, ...more])
  const deb = readdirSync(out).find((one) => one.endsWith('.deb'))
  if (deb === undefined) throw new Error('no package was built')
  return { out, deb: join(out, deb), signersFile: join(out, 'signers.json') }
}

const SOURCES = [
  ...['src', 'scripts', 'packaging', 'config', 'verifier'],
  ...[
    'package.json',
    'package-lock.json',
    'LICENSE',
    'CHANGELOG.md',
    'SECURITY.md',
    'AUDITING.md',
    'OPERATING.md',
  ],
]

/** This checkout as its next version, below `folder`; its packages are linked, not copied, where that can be. */
export const nextVersion = (folder: string, version: string): string => {
  const root = join(folder, `source-${version}`)
  for (const name of SOURCES) cpSync(join(ROOT, name), join(root, name), { recursive: true })
  const packages = [join(ROOT, 'node_modules'), root]
  if (spawnSync('cp', ['-al', ...packages]).status !== 0) execFileSync('cp', ['-a', ...packages])
  const file = join(root, 'package.json')
  const own = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...own, version }))
  return root
}

/** What dpkg would put there, below `to`. */
export const unpackRelease = (deb: string, to: string): void => {
  for (const entry of openArtefact(readFileSync(deb)).tree) {
    const path = pathOf(entry)
    if (path === undefined || entry.kind !== 'file') continue
    mkdirSync(dirname(join(to, path)), { recursive: true })
    writeFileSync(join(to, path), entry.bytes, { mode: entry.mode })
  }
}

type Section = Readonly<Record<string, unknown>>

/** Settings for a realm that keeps everything in `state`; `changes` are laid over the template's sections. */
export const writeSettings = (tree: string, state: string, changes: Section = {}): string => {
  const template = join(tree, 'usr/share/keyrealm/appliance.json')
  const { $schema, ...settings } = JSON.parse(readFileSync(template, 'utf8'))
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const file = join(state, 'appliance.json')
  const placed = {
    ...settings,
    realm: { ...settings.realm, stateDirectory: state },
    store: { kind: 'sqlite', file: join(state, 'realm.sqlite') },
    unlock: {
      sealedFile: join(state, 'main-key.sealed'),
      passphrase: { file: join(state, 'passphrase') },
    },
    ...changes,
  }
  writeFileSync(file, JSON.stringify(placed))
  return file
}

export interface Started {
  /** Options of Node. */
  readonly node?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Another Node than its own. */
  readonly runtime?: string
}

/** Runs the installed program in its own Node. */
export const runInstalled = (
  tree: string,
  args: readonly string[],
  { node = [], env = {}, runtime = join(tree, 'usr/lib/keyrealm/bin/node') }: Started = {},
): SpawnSyncReturns<string> => {
  const program = join(tree, 'usr/lib/keyrealm/program/keyrealm.mjs')
  return spawnSync(runtime, [...node, program, ...args], { encoding: 'utf8', env })
}

/** Gone with the process, also if that is interrupted. */
export const scratchFolder = (): { readonly folder: string; remove(): void } => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm-installed-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  return { folder, remove }
}
