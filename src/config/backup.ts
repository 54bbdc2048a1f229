// Settings of backups: for whom they are sealed and where they go when nobody says otherwise.

import { z } from 'zod'
import { pathIn } from './fields.ts'

const recipient = z
  .string()
  .max(4096)
  .regex(/^age1[0-9a-z]+$/, 'must be an age recipient, age1…')
  .meta({ description: 'Public key of whoever may open backups (`keyrealm recovery-key`).' })

export const backup = (folder: string) =>
  z
    .strictObject({
      recipients: z
        .array(recipient)
        .min(1)
        .max(16)
        .meta({ description: 'Recovery recipients; any one of them opens a backup.' }),
      folder: pathIn(folder)('Where backups go, also the one before an upgrade.'),
    })
    .meta({
      description:
        'Backups. Without this section an upgrade of the database waits for `keyrealm upgrade`.',
    })
