// Settings of the audit log beyond the realm: where it is shipped, who co-signs our checkpoints, and
// whose we co-sign.

import { z } from 'zod'
import { pathIn, webUrl } from './fields.ts'
import { ship } from './ship.ts'

const VKEY = /^[^\s+]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{1,4096}={0,2}$/

/** C2SP signed-note's form of a public key. Whether it holds together is checked where it is used. */
const vkey = (meaning: string) =>
  z.string().regex(VKEY, 'must be <name>+<key id>+<key>').meta({ description: meaning })

const witnesses = (folder: string) =>
  z
    .strictObject({
      quorum: z
        .int()
        .min(1)
        .max(32)
        .meta({ description: 'How many of them must co-sign a checkpoint.', unit: 'witnesses' }),
      list: z
        .array(
          z.strictObject({
            vkey: vkey('The witness’s name and public key.'),
            url: webUrl('What `/add-checkpoint` is put behind.'),
            tlsCaFile: pathIn(folder)(
              'Authorities to trust for it (PEM); the system’s unless told.',
            ).exactOptional(),
          }),
        )
        .min(1)
        .max(32)
        .meta({ description: 'Who is asked to co-sign our checkpoints (C2SP tlog-witness).' }),
    })
    .refine(({ quorum, list }) => quorum <= list.length, {
      error: 'is more than there are witnesses',
      path: ['quorum'],
    })
    // By name: two keys of one witness are one witness, and must not make a quorum.
    .refine(
      ({ list }) => new Set(list.map(({ vkey: key }) => key.split('+')[0])).size === list.length,
      {
        error: 'names a witness twice',
        path: ['list'],
      },
    )
    .meta({ description: 'Without it nobody but auditors sees what the log says.' })

const witness = z
  .strictObject({
    logs: z
      .array(vkey('A key of a log, as its `keyrealm audit key` prints it.'))
      .min(1)
      .max(1000)
      .meta({ description: 'Keys of the logs that this realm co-signs.' }),
  })
  .meta({
    description: 'Makes the realm a witness: `POST /witness/add-checkpoint` on the log listener.',
  })

export const audit = (folder: string) =>
  z
    .strictObject({
      ship: ship(folder),
      witnesses: witnesses(folder).exactOptional(),
      witness: witness.exactOptional(),
    })
    .prefault({})
