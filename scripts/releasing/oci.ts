// An OCI image layout (image-spec 1.1) of one layer, as an archive that `podman load` and `skopeo oci-archive:` take.
// Every blob is named by its digest; nothing in it says when or where it was made but the commit's own time.

import { createHash } from 'node:crypto'
import { type TreeFile, writeTar } from './tar.ts'

export interface ImageFacts {
  readonly version: string
  readonly commit: string
  readonly committedAt: number
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

interface Blob {
  readonly mediaType: string
  readonly bytes: Uint8Array
}

const descriptor = ({ mediaType, bytes }: Blob) => ({
  mediaType,
  digest: `sha256:${sha256(bytes)}`,
  size: bytes.length,
})

const json = (mediaType: string, value: unknown): Blob => ({
  mediaType,
  bytes: Buffer.from(JSON.stringify(value)),
})

export const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+zstd'

/** The user of the image: no name is needed inside it. */
const NOBODY = '65532:65532'

const configOf = (layerTar: Uint8Array, { version, commit, committedAt }: ImageFacts): Blob => {
  const created = new Date(committedAt * 1000).toISOString().replace('.000Z', 'Z')
  return json('application/vnd.oci.image.config.v1+json', {
    created,
    architecture: 'amd64',
    os: 'linux',
    config: {
      User: NOBODY,
      Entrypoint: ['/usr/lib/keyrealm/bin/node', '/usr/lib/keyrealm/program/keyrealm.mjs'],
      Cmd: ['serve', '--config', '/etc/keyrealm/appliance.json'],
      Volumes: { '/etc/keyrealm': {}, '/var/lib/keyrealm': {} },
      WorkingDir: '/',
      StopSignal: 'SIGTERM',
      Labels: {
        'org.opencontainers.image.title': 'keyrealm',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.revision': commit,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layerTar)}`] },
    history: [{ created, created_by: 'scripts/release' }],
  })
}

/** `layer` is `layerTar`, compressed. */
export const writeOci = (layerTar: Uint8Array, layer: Uint8Array, facts: ImageFacts): Buffer => {
  const layerBlob: Blob = { mediaType: LAYER_TYPE, bytes: layer }
  const config = configOf(layerTar, facts)
  const manifest = json('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor(config),
    layers: [descriptor(layerBlob)],
  })
  const index = json('application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...descriptor(manifest),
        platform: { architecture: 'amd64', os: 'linux' },
        annotations: { 'org.opencontainers.image.ref.name': facts.version },
      },
    ],
  })
  const blobs = [layerBlob, config, manifest].map(
    ({ bytes }): TreeFile => ({
      path: `blobs/sha256/${sha256(bytes)}`,
      mode: 0o644,
      bytes,
    }),
  )
  return writeTar(
    [
      ...blobs,
      { path: 'index.json', mode: 0o644, bytes: index.bytes },
      {
        path: 'oci-layout',
        mode: 0o644,
        bytes: Buffer.from(JSON.stringify({ imageLayoutVersion: '1.0.0' })),
      },
    ],
    facts.committedAt,
  )
}
