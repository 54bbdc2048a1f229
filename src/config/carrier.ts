// Settings of the carrier between realms: what proves this realm to its peers, what peers are measured by, and how they are reached.

import { z } from 'zod'
import { domain, host, pathIn } from './fields.ts'

const tcpPort = (meaning: string) =>
  z.int().min(1).max(65_535).meta({ description: meaning, unit: 'TCP port' })

export const carrier = (folder: string) =>
  z
    .strictObject({
      certificateFile: pathIn(folder)(
        'What proves this realm to peers (PEM, leaf first): its domain as the one DNS name.',
      ),
      keyFile: pathIn(folder)('Its private key (PEM, readable by its owner only).'),
      trustFolder: pathIn(folder)(
        'Anchors that peers’ certificates must lead to (PEM files): in the folder itself for every domain, in a folder of it named as a domain for that one, which then has no others. Watched while running.',
      ),
      crlFolder: pathIn(folder)(
        'Revocation lists (PEM or DER files). Watched while running; without a list of its issuer a certificate is refused.',
      ).exactOptional(),
      requireCrl: z.boolean().default(true).meta({
        description: 'Refuse a certificate whose issuer has no list in `crlFolder`.',
      }),
      relay: z.boolean().default(true).meta({
        description:
          'Reach peers through the core, and be reached. TLS inside; the core cannot read it.',
      }),
      direct: z
        .array(
          z.strictObject({
            domain: domain('A peer that is reached without the core.'),
            host: host('Where it listens.'),
            port: tcpPort('Its port.'),
          }),
        )
        .max(1000)
        .default([])
        .meta({ description: 'Addresses of peers; all others are reached through the core.' }),
      listen: z
        .strictObject({
          host: host('Address for peers that come without the core.'),
          port: tcpPort('Its port.'),
        })
        .meta({ description: 'Mutual TLS 1.3 for peers; no port is opened unless told.' })
        .exactOptional(),
      tls: z
        .strictObject({
          requirePostQuantum: z.boolean().default(false).meta({
            description: 'Refuse peers that cannot agree on keys by X25519MLKEM768 or its kin.',
          }),
        })
        .prefault({}),
    })
    .meta({ description: 'The way to peers. Without this section no peer is spoken to.' })
