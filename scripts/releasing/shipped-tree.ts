// Everything that a release installs, as paths below its root: runtime, program, native part, units, pages, licences.
// Modes are said here and taken from no disk; there are no links.

import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Bundled, bundlePrograms, NATIVE_PACKAGES } from './bundle.ts'
import { commandTree } from './command-tree.ts'
import { bashCompletion, fishCompletion, zshCompletion } from './completion.ts'
import { type LockedPackage, lockedPackages } from './lockfile.ts'
import { manualPage } from './manual-page.ts'
import { describeContents } from './sbom.ts'
import type { TreeFile } from './tar.ts'

export interface ReleaseFacts {
  readonly version: string
  readonly commit: string
  /** POSIX seconds. */
  readonly committedAt: number
}

export const PLATFORM = 'linux-x64'
export const LIBRARY = 'usr/lib/keyrealm'
const RUNTIME = `node_modules/node-${PLATFORM}`
const DOCUMENTS = 'usr/share/doc/keyrealm'
/** What dpkg reads and runs lies in the tree as well: so the manifest says what it is. */
export const DEBIAN = 'usr/share/keyrealm/debian/'
const READABLE = 0o644
const RUNNABLE = 0o755

const text = (path: string, content: string): TreeFile => ({
  path,
  mode: READABLE,
  bytes: Buffer.from(content),
})

const copied = (root: string, from: string, path: string, mode = READABLE): TreeFile => ({
  path,
  mode,
  bytes: readFileSync(join(root, from)),
})

/** As published, but for the native parts of other machines. */
const nativePackage = (root: string, name: string): readonly TreeFile[] => {
  const folder = `node_modules/${name}`
  const kept = ['package.json', 'LICENSE', 'lib/**/*.js', `prebuilds/${PLATFORM}.node`]
  return globSync(kept, { cwd: join(root, folder) }).map((file) =>
    copied(root, `${folder}/${file}`, `${LIBRARY}/${folder}/${file}`),
  )
}

const LICENCES = ['LICENSE*', 'LICENCE*', 'license*', 'COPYING*', 'NOTICE*']

const licenceFiles = (root: string, { path, name, version }: LockedPackage): readonly TreeFile[] =>
  globSync(LICENCES, { cwd: join(root, path) })
    .sort()
    .map((file) =>
      copied(
        root,
        `${path}/${file}`,
        `${DOCUMENTS}/licences/${name.replace('/', '+')}@${version}/${basename(file)}`,
      ),
    )

const copyright = (packages: readonly LockedPackage[]): string => {
  const lines = packages.map(({ name, version, license }) => `  ${name} ${version}: ${license}`)
  return [
    'Keyrealm is under the Apache License 2.0 (LICENSE beside this file).',
    '',
    'It contains these packages, each under its own licence; the texts are in licences/.',
    ...lines,
    '',
  ].join('\n')
}

const ownPackage = ({ version }: ReleaseFacts): string =>
  `${JSON.stringify({ name: 'keyrealm', version, license: 'Apache-2.0', type: 'module' }, null, 2)}\n`

/** Files that are shipped as they lie in `packaging/`. */
const PACKAGED: readonly (readonly [from: string, to: string, mode: number])[] = [
  ['packaging/keyrealm.mjs', `${LIBRARY}/program/keyrealm.mjs`, READABLE],
  ['packaging/keyrealm', 'usr/bin/keyrealm', RUNNABLE],
  ['packaging/systemd/keyrealm.service', 'usr/lib/systemd/system/keyrealm.service', READABLE],
  [
    'packaging/systemd/keyrealm-core.service',
    'usr/lib/systemd/system/keyrealm-core.service',
    READABLE,
  ],
  ['packaging/config/appliance.json', 'usr/share/keyrealm/appliance.json', READABLE],
  ['packaging/config/core.json', 'usr/share/keyrealm/core.json', READABLE],
  ...['control', 'postinst', 'prerm', 'postrm'].map(
    (name) => [`packaging/debian/${name}`, `${DEBIAN}${name}`, READABLE] as const,
  ),
  ['config/appliance.schema.json', 'usr/share/keyrealm/appliance.schema.json', READABLE],
  ['verifier/audit-verify.mjs', 'usr/share/keyrealm/audit-verify.mjs', READABLE],
  ['LICENSE', `${DOCUMENTS}/LICENSE`, READABLE],
  ['CHANGELOG.md', `${DOCUMENTS}/CHANGELOG.md`, READABLE],
  ['SECURITY.md', `${DOCUMENTS}/SECURITY.md`, READABLE],
  ['AUDITING.md', `${DOCUMENTS}/AUDITING.md`, READABLE],
  ['OPERATING.md', `${DOCUMENTS}/OPERATING.md`, READABLE],
  ['config/README.md', `${DOCUMENTS}/settings.md`, READABLE],
]

const generated = (facts: ReleaseFacts): readonly TreeFile[] => {
  const tree = commandTree(facts.version)
  return [
    text('usr/share/man/man8/keyrealm.8', manualPage(tree, facts)),
    text('usr/share/bash-completion/completions/keyrealm', bashCompletion(tree)),
    text('usr/share/zsh/vendor-completions/_keyrealm', zshCompletion(tree)),
    text('usr/share/fish/vendor_completions.d/keyrealm.fish', fishCompletion(tree)),
  ]
}

export interface ShippedTree {
  readonly files: readonly TreeFile[]
  /** CycloneDX, also among the files. */
  readonly sbom: string
  readonly packages: readonly LockedPackage[]
}

const shippedPackages = (root: string, { packages }: Bundled): readonly LockedPackage[] => {
  const natives = NATIVE_PACKAGES.map((name) => `node_modules/${name}`)
  return lockedPackages(root, [...new Set([...packages, ...natives, RUNTIME])].sort())
}

/** The tree of the checkout at `root`, without evidence. */
export const shippedTree = async (root: string, facts: ReleaseFacts): Promise<ShippedTree> => {
  const bundled = await bundlePrograms(root)
  const packages = shippedPackages(root, bundled)
  const sbom = describeContents(facts, packages)
  const files = [
    ...bundled.files,
    ...NATIVE_PACKAGES.flatMap((name) => nativePackage(root, name)),
    ...PACKAGED.map(([from, to, mode]) => copied(root, from, to, mode)),
    ...packages.flatMap((one) => licenceFiles(root, one)),
    ...generated(facts),
    copied(root, `${RUNTIME}/bin/node`, `${LIBRARY}/bin/node`, RUNNABLE),
    text(`${LIBRARY}/package.json`, ownPackage(facts)),
    text(`${DOCUMENTS}/copyright`, copyright(packages)),
    text(`${DOCUMENTS}/sbom.cdx.json`, sbom),
  ]
  return { files, sbom, packages }
}
