// Every setting of the appliance, declared once: type, unit, range, default, meaning. The type, the
// JSON Schema and the table in config/README.md are made from here. Unknown settings are refused.

import { z } from 'zod'
import { audit } from './audit.ts'
import { backup } from './backup.ts'
import { carrier } from './carrier.ts'
import { checkTogether } from './checks.ts'
import {
  domain,
  host,
  httpsUrl,
  organizationId,
  pathIn,
  port,
  secretIn,
  text,
  webSocketUrl,
  whole,
} from './fields.ts'
import { peerPolicy } from './peer-policy.ts'
import { postgres } from './postgres.ts'
import { proxy } from './proxy.ts'
import { release } from './release.ts'
import { search } from './search.ts'

const realm = (folder: string) =>
  z.strictObject({
    name: text('What people call this realm.'),
    domain: domain('Host of every `kms://` URI and of the realm’s certificate.'),
    stateDirectory: pathIn(folder)('Folder for what the appliance writes, e.g. its admin token.'),
    organizations: z
      .array(
        z.strictObject({
          id: organizationId('The organisation’s id as tokens name it.'),
          name: text('What people call the organisation.'),
        }),
      )
      .min(1)
      .max(1000)
      .meta({ description: 'Organisations whose keys this realm keeps; others are refused.' }),
  })

const store = (folder: string) =>
  z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('sqlite').meta({ description: 'A database file, for one node.' }),
        file: pathIn(folder)('The database file.'),
      }),
      postgres(folder),
    ])
    .meta({ description: 'Where keys (wrapped), authorizations and the audit log are kept.' })

const unlock = (folder: string) =>
  z
    .strictObject({
      sealedFile: pathIn(folder)('The main key, sealed under the passphrase.'),
      passphrase: secretIn(folder)(
        'Unlocks at start. Without it the appliance starts locked: healthy, not ready.',
      ).exactOptional(),
    })
    .meta({ description: 'How the main key enters memory.' })

const introspection = (folder: string) =>
  z
    .strictObject({
      endpoint: httpsUrl('The introspection endpoint; discovered unless told.').exactOptional(),
      clientId: text('The realm’s client id at the issuer.'),
      clientSecret: secretIn(folder)('The realm’s client secret at the issuer.'),
    })
    .meta({ description: 'RFC 7662, for opaque tokens. Without it opaque tokens are refused.' })

const claims = z
  .strictObject({
    organization: text('Claim with the organisation’s id.').default('organization_id'),
    roles: text('Claim with the list of roles.').default('roles'),
  })
  .prefault({})

const issuer = (folder: string) =>
  z.strictObject({
    issuer: httpsUrl('The exact `iss` of its tokens, and where discovery starts.'),
    audience: text('The exact `aud` that tokens for this realm carry.'),
    organizationIds: z
      .array(organizationId('An organisation of `realm.organizations`.'))
      .min(1)
      .meta({ description: 'Whom this issuer may speak for; every organisation unless told.' })
      .exactOptional(),
    jwksUri: httpsUrl('Its signing keys; discovered unless told.').exactOptional(),
    tlsCaFile: pathIn(folder)(
      'Authorities to trust for it (PEM); the system’s unless told.',
    ).exactOptional(),
    introspection: introspection(folder).exactOptional(),
    claims,
    clockSkewSeconds: whole('How far its clock may be off.', {
      unit: 's',
      min: 0,
      max: 300,
      byDefault: 30,
    }),
  })

const identity = (folder: string) =>
  z.strictObject({
    issuers: z
      .array(issuer(folder))
      .min(1)
      .max(100)
      .meta({ description: 'Who may vouch for people. Tokens of others are refused.' }),
    cacheForSeconds: whole('How long a verified token is trusted unasked.', {
      unit: 's',
      min: 0,
      max: 300,
      byDefault: 30,
    }),
  })

const core = (folder: string) =>
  z
    .strictObject({
      linkUrl: webSocketUrl('The core’s end of the one line; the realm dials it.'),
      tlsCaFile: pathIn(folder)('Authority that vouches for the core (PEM).'),
      certificateFile: pathIn(folder)('The realm’s client certificate for the line (PEM).'),
      keyFile: pathIn(folder)('Its private key (PEM, readable by its owner only).'),
    })
    .meta({ description: 'The cloud core.' })

// Observed of real clients: a session of 30 s or less, or of more than 2^31 ms, never works.
const channel = z
  .strictObject({
    sessionLifetimeSeconds: whole('How long an agreed channel lives.', {
      unit: 's',
      min: 60,
      max: 2_073_600,
      byDefault: 3600,
    }),
    graceSeconds: whole('How much longer a session is accepted than was announced.', {
      unit: 's',
      min: 0,
      max: 600,
      byDefault: 60,
    }),
    sessionsPerDevice: whole('Live sessions that one device of one user may hold.', {
      unit: 'sessions',
      min: 1,
      max: 100_000,
      byDefault: 1000,
    }),
    sessionsPerUser: whole('Live sessions that one user may hold, over all devices.', {
      unit: 'sessions',
      min: 1,
      max: 1_000_000,
      byDefault: 5000,
    }),
  })
  .prefault({})

const keys = z
  .strictObject({
    unboundLifetimeDays: whole('How long a key waits to be bound before it is destroyed.', {
      unit: 'days',
      min: 1,
      max: 365,
      byDefault: 30,
    }),
    perRequest: whole('Keys that one request may create.', {
      unit: 'keys',
      min: 1,
      max: 1000,
      byDefault: 100,
    }),
    unboundPerUser: whole('Unbound keys that one user may hold.', {
      unit: 'keys',
      min: 1,
      max: 1_000_000,
      byDefault: 10_000,
    }),
    sameCreateForSeconds: whole(
      'How long a repeated creation of a resource from the same keys answers with the first one.',
      { unit: 's', min: 0, max: 3600, byDefault: 120 },
    ),
  })
  .prefault({})

const roles = z
  .strictObject({
    complianceOfficer: text('Role that may read on behalf of others in its organisation.').default(
      'spark.kms_orgagent',
    ),
  })
  .prefault({})

const messageMaxBytes = whole('Size of one sealed message.', {
  unit: 'bytes',
  min: 8192,
  max: 262_144,
  byDefault: 262_144,
})

// Checked before any cryptography. A post holds 50 messages at most; that is the line's own limit.
const limits = z
  .strictObject({
    messageMaxBytes,
    inFlightMessages: whole('Messages in work at once; above that a post is refused unread.', {
      unit: 'messages',
      min: 50,
      max: 100_000,
      byDefault: 2000,
    }),
    messagesPerSecondPerUser: whole('Sustained rate of one user.', {
      unit: 'messages/s',
      min: 1,
      max: 100_000,
      byDefault: 500,
    }),
    burstPerUser: whole('Messages that one user may send at once on top of the rate.', {
      unit: 'messages',
      min: 50,
      max: 100_000,
      byDefault: 2000,
    }),
  })
  .prefault({})

const rsa = z
  .strictObject({
    threads: whole('Threads for the RSA work of handshakes.', {
      unit: 'threads',
      min: 1,
      max: 64,
      byDefault: 2,
    }),
  })
  .prefault({})

const tls = (folder: string) =>
  z
    .strictObject({
      certificateFile: pathIn(folder)('Certificate chain (PEM).'),
      keyFile: pathIn(folder)('Private key (PEM, readable by its owner only).'),
    })
    .meta({ description: 'Serve HTTPS. Required when the host is not loopback.' })

const allowRemote = z.boolean().default(false).meta({
  description: 'Allow a host other than loopback. Whoever connects is not asked who they are.',
})

const connectionLimits = z
  .strictObject({
    connections: whole('Connections to one listener.', {
      unit: 'connections',
      min: 4,
      max: 65_536,
      byDefault: 256,
    }),
    connectionsPerRemote: whole('Connections of one address to one listener.', {
      unit: 'connections',
      min: 1,
      max: 65_536,
      byDefault: 64,
    }),
    headersWithinSeconds: whole('Time for TLS and for the head of a request.', {
      unit: 's',
      min: 1,
      max: 60,
      byDefault: 5,
    }),
    requestWithinSeconds: whole('Time for a whole request to arrive.', {
      unit: 's',
      min: 1,
      max: 300,
      byDefault: 15,
    }),
    requestsPerSecondPerRemote: whole('Sustained rate of one address.', {
      unit: 'requests/s',
      min: 1,
      max: 100_000,
      byDefault: 50,
    }),
    requestBurstPerRemote: whole('Requests one address may send at once on top of the rate.', {
      unit: 'requests',
      min: 1,
      max: 100_000,
      byDefault: 100,
    }),
  })
  .prefault({})

const listeners = (folder: string) =>
  z
    .strictObject({
      health: z
        .strictObject({
          host: host('Address for liveness, readiness and metrics.').default('127.0.0.1'),
          port: port('Its port.', 9101),
          allowRemote,
        })
        .prefault({}),
      admin: z
        .strictObject({
          host: host('Address of the admin API.').default('127.0.0.1'),
          port: port('Its port.', 9102),
          tls: tls(folder).exactOptional(),
        })
        .prefault({}),
      log: z
        .strictObject({
          host: host('Address of the read-only audit log.').default('127.0.0.1'),
          port: port('Its port.', 9103),
          allowRemote,
          tls: tls(folder).exactOptional(),
        })
        .prefault({}),
      limits: connectionLimits,
    })
    .prefault({})

const log = (folder: string) =>
  z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({
        description: 'The least important line that is written.',
      }),
      file: pathIn(folder)('Where lines go; standard output unless told.').exactOptional(),
    })
    .prefault({})

const sweep = z
  .strictObject({
    everySeconds: whole('How often expired sessions, keys and resources are removed.', {
      unit: 's',
      min: 1,
      max: 86_400,
      byDefault: 60,
    }),
    batchSize: whole('Rows of each kind removed in one transaction.', {
      unit: 'rows',
      min: 1,
      max: 10_000,
      byDefault: 500,
    }),
  })
  .prefault({})

/** The declaration of all settings, for a settings file that lies in `folder` (absolute). */
export const settingsSchema = (folder: string) =>
  z
    .strictObject({
      $schema: z.string().meta({ description: 'For editors only.' }).exactOptional(),
      realm: realm(folder),
      store: store(folder),
      unlock: unlock(folder),
      identity: identity(folder),
      core: core(folder),
      channel,
      keys,
      roles,
      limits,
      rsa,
      listeners: listeners(folder),
      log: log(folder),
      sweep,
      search,
      federation: z
        .strictObject({ ...peerPolicy, carrier: carrier(folder).exactOptional() })
        .prefault({}),
      audit: audit(folder),
      backup: backup(folder).exactOptional(),
      release: release(folder),
      proxy: proxy(folder).exactOptional(),
    })
    .superRefine(checkTogether)

type ReadonlyDeep<T> = T extends string | number | boolean | undefined
  ? T
  : { readonly [Member in keyof T]: ReadonlyDeep<T[Member]> }

/** All settings, defaults filled in, paths absolute; secrets are named, never held. */
export type Settings = ReadonlyDeep<z.output<ReturnType<typeof settingsSchema>>>
