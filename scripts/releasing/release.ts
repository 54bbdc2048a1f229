// `scripts/release`: from a clean checkout to signed artefacts in a folder; also makes keys and offline bundles.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { installPackages, packBundle } from './packages.ts'
import { inScratch, rebuild } from './rebuild.ts'
import { makeKeys } from './release-keys.ts'
import { cleanHead, exportSource } from './source.ts'

const ROOT = join(import.meta.dirname, '../..')

const USAGE = `usage: scripts/release --out FOLDER [--keys FOLDER] [--log FOLDER] [--offline-bundle FILE]
       scripts/release --make-keys FOLDER --name NAME
       scripts/release --make-offline-bundle FILE

Builds the commit that is checked out; nothing may be changed in it. FOLDER must be new or empty.
  --keys             the signer's keys; without them the release is signed with development keys, which prove nothing
  --log              the release log so far; the new one is FOLDER/evidence/log
  --offline-bundle   packages from this file instead of a registry
  --make-keys        make a signer's keys; NAME is also the origin of its log, such as releases.acme.example
`

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    keys: { type: 'string' },
    log: { type: 'string' },
    name: { type: 'string' },
    help: { type: 'boolean' },
    'make-keys': { type: 'string' },
    'offline-bundle': { type: 'string' },
    'make-offline-bundle': { type: 'string' },
  },
})

const given = <Name extends string>(name: Name, value: string | undefined) =>
  (value === undefined ? {} : { [name]: resolve(value) }) as Partial<Record<Name, string>>

const release = (out: string): void => {
  const folder = resolve(out)
  if (existsSync(folder) && readdirSync(folder).length > 0) throw new Error(`${out} is not empty`)
  const head = cleanHead(ROOT)
  if (values.keys === undefined) {
    console.error('Signed with development keys, which anybody can compute: for trying out only.')
  }
  rebuild({
    ...head,
    source: ROOT,
    out: folder,
    ...given('keys', values.keys),
    ...given('log', values.log),
    ...given('offlineBundle', values['offline-bundle']),
  })
  console.log(readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trimEnd())
}

const makeBundle = (file: string): void =>
  inScratch((folder) => {
    const head = cleanHead(ROOT)
    const [root, cache] = [join(folder, 'source'), join(folder, 'cache')]
    exportSource(ROOT, head, root)
    installPackages(root, { cache })
    mkdirSync(dirname(resolve(file)), { recursive: true })
    writeFileSync(file, packBundle(root, cache, head.committedAt))
  })

const main = (): number => {
  const { out, name, 'make-keys': keys, 'make-offline-bundle': bundle } = values
  if (keys !== undefined && name !== undefined) makeKeys(keys, name)
  else if (bundle !== undefined) makeBundle(bundle)
  else if (out !== undefined) release(out)
  else {
    console.error(USAGE)
    return values.help === true ? 0 : 2
  }
  return 0
}

try {
  process.exitCode = main()
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : 'failed'}`)
  process.exitCode = 1
}
