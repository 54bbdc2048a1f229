// Where the artefacts come from: an in-toto Statement (v1) with SLSA provenance (v1), in a DSSE envelope signed twice.
// It names the commit, the lockfile's packages by digest, and the artefacts; no machine, no registry, no user.

import { createHash } from 'node:crypto'
import type { LockedPackage } from './lockfile.ts'
import { purlOf, sha512Hex } from './lockfile.ts'
import type { ReleaseKeys } from './release-keys.ts'
import type { ReleaseFacts } from './shipped-tree.ts'

const PAYLOAD_TYPE = 'application/vnd.in-toto+json'

export interface Artefact {
  readonly name: string
  readonly bytes: Uint8Array
}

const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex')

const statement = (
  { version, commit, committedAt }: ReleaseFacts,
  packages: readonly LockedPackage[],
  artefacts: readonly Artefact[],
) => ({
  _type: 'https://in-toto.io/Statement/v1',
  subject: artefacts.map(({ name, bytes }) => ({ name, digest: { sha256: sha256(bytes) } })),
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: {
    buildDefinition: {
      buildType: 'urn:keyrealm:release:v1',
      externalParameters: { version, commit },
      internalParameters: {},
      resolvedDependencies: [
        { name: 'keyrealm', digest: { gitCommit: commit } },
        ...packages.map((one) => ({ uri: purlOf(one), digest: { sha512: sha512Hex(one) } })),
      ],
    },
    runDetails: {
      builder: { id: 'urn:keyrealm:scripts/release', version: { node: process.versions.node } },
      // Not when somebody's machine ran, which would differ: when the commit was made.
      metadata: { finishedOn: new Date(committedAt * 1000).toISOString() },
    },
  },
})

/** DSSE's pre-authentication encoding. */
export const preAuthentication = (type: string, payload: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `),
    payload,
  ])

export const signProvenance = (
  facts: ReleaseFacts,
  packages: readonly LockedPackage[],
  artefacts: readonly Artefact[],
  { signer, signEd25519, signMlDsa65 }: ReleaseKeys,
): string => {
  const payload = Buffer.from(JSON.stringify(statement(facts, packages, artefacts)))
  const message = preAuthentication(PAYLOAD_TYPE, payload)
  const signature = (keyid: string, sig: Uint8Array) => ({
    keyid,
    sig: Buffer.from(sig).toString('base64'),
  })
  const envelope = {
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString('base64'),
    signatures: [
      signature(`${signer.name}/ed25519/${sha256(signer.ed25519)}`, signEd25519(message)),
      signature(`${signer.name}/ml-dsa-65/${sha256(signer.mlDsa65)}`, signMlDsa65(message)),
    ],
  }
  return `${JSON.stringify(envelope, null, 2)}\n`
}
