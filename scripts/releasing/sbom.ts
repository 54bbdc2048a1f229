// The bill of materials, CycloneDX 1.6: what is inside, by which licence, with the digests of package-lock.json. Serial
// number and time come from the content, so equal releases have equal bills.

import { createHash } from 'node:crypto'
import { type LockedPackage, purlOf, sha512Hex } from './lockfile.ts'
import type { ReleaseFacts } from './shipped-tree.ts'

/** An SPDX expression or a single id; CycloneDX tells them apart. */
const licences = (license: string) =>
  /^[A-Za-z0-9.+-]+$/.test(license) ? [{ license: { id: license } }] : [{ expression: license }]

/** What the runtime has inside itself: it says so. This runs in the pinned Node that is shipped. */
const insideRuntime = () =>
  Object.entries(process.versions)
    .filter(([name, version]) => version !== '' && name !== 'node' && name !== 'modules')
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, version]) => ({ type: 'library', 'bom-ref': `node/${name}`, name, version }))

const component = (one: LockedPackage) => {
  const isRuntime = one.path.startsWith('node_modules/node-linux-')
  return {
    type: isRuntime ? 'platform' : 'library',
    'bom-ref': purlOf(one),
    name: one.name,
    version: one.version,
    scope: 'required',
    hashes: [{ alg: 'SHA-512', content: sha512Hex(one) }],
    licenses: licences(one.license),
    purl: purlOf(one),
    ...(isRuntime ? { components: insideRuntime() } : {}),
  }
}

/** A UUID of version 8 (RFC 9562): its bits are ours to choose, and come from the content. */
const serialOf = (content: string): string => {
  const hex = createHash('sha256').update(content).digest('hex')
  const [a, b, c, d, e] = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
  return `urn:uuid:${a}-${b}-${c}-${d}-${e}`
}

export const describeContents = (
  { version, commit, committedAt }: ReleaseFacts,
  packages: readonly LockedPackage[],
): string => {
  const body = {
    metadata: {
      timestamp: new Date(committedAt * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': 'keyrealm',
        name: 'keyrealm',
        version,
        licenses: licences('Apache-2.0'),
        properties: [{ name: 'git:commit', value: commit }],
      },
    },
    components: packages.map(component),
    dependencies: [{ ref: 'keyrealm', dependsOn: packages.map(purlOf) }],
  }
  const serialNumber = serialOf(JSON.stringify(body))
  return `${JSON.stringify(
    { bomFormat: 'CycloneDX', specVersion: '1.6', serialNumber, version: 1, ...body },
    null,
    2,
  )}\n`
}
