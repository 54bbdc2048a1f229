// One bounded batch of expiry: sessions, unbound keys, resources and authorizations whose time is over.
// What is swept is recorded; a key that was never bound is gone for good.

import type { Act } from '../audit/index.ts'
import { before, type Duration } from '../time.ts'
import type { Channels } from './corridor/channels.ts'
import type { Ledger } from './corridor/ledger.ts'
import { keysGoStale, waysEnded, withdrawCopies } from './joint/staleness.ts'

export interface Swept {
  readonly sessions: number
  readonly keys: number
  readonly resources: number
  readonly authorizations: number
}

const act = (
  action: string,
  uris: readonly string[],
  type: NonNullable<Act['type']>,
): readonly Act[] =>
  uris.length === 0
    ? []
    : [
        {
          action,
          outcome: 'done',
          actor: { kind: 'system' },
          type,
          details: { count: uris.length },
          ...(type === 'KEY_COLLECTION' ? { keys: uris } : {}),
        },
      ]

/** Sweeps at most `limit` of each kind; call again while any count reaches `limit`. */
export const sweep = async (
  ledger: Ledger,
  channels: Channels,
  sessionGrace: Duration,
  limit: number,
): Promise<Swept> => {
  const { sessions, counts } = await ledger.commit(async (tx, now) => {
    const ended = await tx.sessions.sweepExpired(before(now, sessionGrace), limit)
    const keys = await tx.keys.sweepUnbound(now, limit)
    // Asked before they go: nothing says afterwards which rooms were read by way of them.
    const touched = await tx.authorizations.containing(await tx.resources.expired(now, limit), now)
    const resources = await tx.resources.sweepExpired(now, limit)
    const gone = new Set(resources)
    const lapsed = await tx.authorizations.expired(now, limit)
    const authorizations = await tx.authorizations.sweepExpired(now, limit)
    // Whoever was let in for a time still has the keys of that time.
    const rooms = [...new Set(lapsed.map((one) => one.resourceUri))]
    await keysGoStale(tx, now, rooms, [...new Set(lapsed.map((one) => one.authId))])
    await withdrawCopies(tx, now, resources)
    const left = touched.filter((uri) => !gone.has(uri))
    await waysEnded(tx, now, left)
    return {
      result: {
        sessions: ended,
        counts: {
          sessions: ended.length,
          keys: keys.length,
          resources: resources.length,
          authorizations: authorizations.length,
        },
      },
      acts: [
        ...act('session.expired', ended, 'EPHEMERAL_KEY_COLLECTION'),
        ...act('key.expired', keys, 'KEY_COLLECTION'),
        ...act('resource.expired', resources, 'RESOURCE_COLLECTION'),
        ...act('authorization.expired', authorizations, 'AUTHORIZATION_COLLECTION'),
      ],
    }
  })
  for (const uri of sessions) channels.forget(uri)
  return counts
}
