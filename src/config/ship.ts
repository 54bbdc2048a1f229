// Where the audit log is shipped to: syslog over TLS, TCP or UDP, and files. A destination that would send entries
// in the clear to another machine is refused unless that is said on purpose.

import { z } from 'zod'
import { host, isLoopback, pathIn, whole } from './fields.ts'

const NAME = /^[a-z][a-z0-9-]{0,38}$/
// RFC 5424 §6.3.2: a name, and the private enterprise number of whoever gave it.
const STRUCTURED_DATA_ID = /^[A-Za-z][A-Za-z0-9._-]{0,20}@\d{1,10}$/
const ACTION = /^[a-z][a-z-]*\.(?:[a-z][a-z-]*|\*)$/

const common = {
  name: z.string().regex(NAME, 'must be lower case letters, digits and hyphens').meta({
    description:
      'How it is called in metrics, logs and `audit ship-status`. Its cursor is kept by it.',
  }),
  layout: z.enum(['json', 'cef', 'hds']).default('json').meta({
    description: 'How an entry is written: the canonical entry, ArcSight CEF, or the lines of HDS.',
  }),
  filter: z
    .strictObject({
      outcomes: z
        .array(z.enum(['done', 'refused', 'failed']))
        .min(1)
        .meta({ description: 'Only entries with one of these outcomes.' })
        .exactOptional(),
      actions: z
        .array(z.string().regex(ACTION, 'must be an action, or a noun and `.*`'))
        .min(1)
        .max(100)
        .meta({ description: 'Only these actions: `key.released`, or `key.*`.' })
        .exactOptional(),
    })
    .meta({ description: 'Ships only what it names; everything unless told.' })
    .exactOptional(),
  alarmAfterSeconds: whole('An entry not delivered for so long raises an alarm.', {
    unit: 's',
    min: 5,
    max: 86_400,
    byDefault: 60,
  }),
}

const syslog = {
  host: host('The syslog server.'),
  facility: whole('Facility of RFC 5424; 13 is “log audit”.', {
    unit: 'number',
    min: 0,
    max: 23,
    byDefault: 13,
  }),
  structuredDataId: z
    .string()
    .regex(STRUCTURED_DATA_ID, 'must be name@number')
    .default('keyrealm@32473')
    .meta({
      description:
        'Names our structured data. Put your own enterprise number; 32473 is for examples (RFC 5612).',
    }),
}

const stream = {
  ...syslog,
  framing: z.enum(['octet-counting', 'newline']).default('octet-counting').meta({
    description: 'How messages are told apart on the line.',
  }),
  confirmEverySeconds: whole(
    'How often the line is closed in order, whereby what was sent is known to have been read.',
    { unit: 's', min: 1, max: 3600, byDefault: 10 },
  ),
  giveUpAfterSeconds: whole('A server that takes nothing for so long is dialled anew.', {
    unit: 's',
    min: 2,
    max: 86_400,
    byDefault: 300,
  }),
}

const allowPlaintext = z.boolean().default(false).meta({
  description: 'Send entries unencrypted to another machine, and to whoever answers there.',
})

const tls = (folder: string) =>
  z
    .strictObject({
      caFile: pathIn(folder)('Authority that vouches for the server (PEM); no other is trusted.'),
      serverName: host('Exact name in its certificate; the host unless told.').exactOptional(),
      certificateFile: pathIn(folder)('Our certificate, where the server asks.').exactOptional(),
      keyFile: pathIn(folder)('Its key (PEM, readable by its owner only).').exactOptional(),
    })
    .refine(
      ({ certificateFile, keyFile }) => (certificateFile === undefined) === (keyFile === undefined),
      { error: 'must name both certificateFile and keyFile, or neither' },
    )
    .meta({ description: 'Whom to trust, and who we are.' })

const isKept = ({ host, allowPlaintext }: { host: string; allowPlaintext: boolean }): boolean =>
  allowPlaintext || isLoopback(host)
const PLAINTEXT = {
  error: 'is not loopback; set allowPlaintext to send in the clear on purpose',
  path: ['host'],
}

const destination = (folder: string) =>
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('syslog-tls').meta({ description: 'RFC 5424 over TLS (RFC 5425).' }),
      ...common,
      ...stream,
      port: whole('Its port.', { unit: 'TCP port', min: 1, max: 65_535, byDefault: 6514 }),
      tls: tls(folder),
    }),
    z
      .strictObject({
        kind: z.literal('syslog-tcp').meta({ description: 'RFC 5424 over TCP (RFC 6587).' }),
        ...common,
        ...stream,
        port: whole('Its port.', { unit: 'TCP port', min: 1, max: 65_535, byDefault: 601 }),
        allowPlaintext,
      })
      .refine(isKept, PLAINTEXT),
    z
      .strictObject({
        kind: z.literal('syslog-udp').meta({ description: 'RFC 5424 over UDP: best effort.' }),
        ...common,
        ...syslog,
        port: whole('Its port.', { unit: 'UDP port', min: 1, max: 65_535, byDefault: 514 }),
        allowPlaintext,
      })
      .refine(isKept, PLAINTEXT),
    z.strictObject({
      kind: z.literal('file').meta({ description: 'A file that only its owner can read.' }),
      ...common,
      file: pathIn(folder)('The file; rotated ones lie beside it.'),
      flush: z.enum(['delivery', 'system']).default('delivery').meta({
        description: 'Whether lines are on the disk before they count as delivered.',
      }),
      rotateAtBytes: whole('Size at which the file is put aside.', {
        unit: 'bytes',
        min: 1_048_576,
        max: 1_099_511_627_776,
        byDefault: 134_217_728,
      }),
      keepFiles: whole('Files put aside that are kept.', {
        unit: 'files',
        min: 1,
        max: 10_000,
        byDefault: 30,
      }),
    }),
  ])

const DESTINATIONS_MOST = 16

export const ship = (folder: string) =>
  z.array(destination(folder)).max(DESTINATIONS_MOST).default([]).meta({
    description: 'Where entries are copied to, in order and at least once.',
  })
