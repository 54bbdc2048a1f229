// With which other organisations this realm works, whose word counts about users, and how long a home's word holds. How they are
// reached and certified are other settings of the same group.

import { z } from 'zod'
import { domain, whole } from './fields.ts'

export const peerPolicy = {
  mode: z.enum(['open', 'listed', 'closed']).default('open').meta({
    description:
      'Which peers: whoever has a certificate that is accepted, those of `listed`, or nobody. Blocked ones never.',
  }),
  listed: z
    .array(domain('The domain of a peer.'))
    .max(10_000)
    .default([])
    .meta({ description: 'The peers, where `mode` is `listed`.' }),
  claims: z.enum(['open', 'listed']).default('open').meta({
    description:
      'Whether the first peer that claims a user keeps them, or administrators alone say whose users are.',
  }),
  authorizationFreshForSeconds: whole(
    'How long “that user may read” holds without asking the home of the room again.',
    // Not 0: an answer is taken in a moment after it was asked for.
    { unit: 's', min: 1, max: 60, byDefault: 5 },
  ),
  offlineGraceForSeconds: whole(
    'The same while that home cannot be reached. Whoever was removed there reads on here for as long.',
    { unit: 's', min: 0, max: 86_400, byDefault: 0 },
  ),
} as const
