// An administrator switches off an anonymous authorization: whoever holds its bearer is refused from the next
// request on, and the room's keys are stale.

import type { AuthorizationUri } from '../../id.ts'
import { isLapsed } from '../authorization.ts'
import type { Ledger } from '../corridor/ledger.ts'
import { keysGoStale } from '../joint/staleness.ts'

/** False if there is no anonymous authorization of that name. */
export const withdrawBearer = (ledger: Ledger, uri: AuthorizationUri): Promise<boolean> =>
  ledger.commit<boolean>(async (tx, now) => {
    const one = (await tx.authorizations.find([uri])).get(uri)
    if (one?.kind !== 'anonymous' || isLapsed(one, now)) return { result: false, acts: [] }
    const { resourceUri } = one
    await tx.authorizations.remove([uri])
    await keysGoStale(tx, now, [resourceUri], [one.authId])
    return {
      result: true,
      acts: [
        {
          action: 'authorization.removed',
          outcome: 'done',
          actor: { kind: 'system' },
          type: 'AUTHORIZATION',
          resource: resourceUri,
          authorizations: [uri],
          subjects: [uri],
        },
      ],
    }
  })
