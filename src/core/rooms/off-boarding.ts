// Somebody left the organisation, their realm says: out of its rooms they go, and the keys of these rooms with
// them. Done again it changes nothing; acknowledged when all of it is written.

import { encodeCoreFrame, type OffboardedFrame } from '../../boundary/index.ts'
import type { Operations } from '../operations/operations.ts'
import type { Surroundings } from '../ports.ts'
import type { Line } from '../realms/desk.ts'
import type { CoreStore } from '../store/store.ts'
import { turnsOf } from './room-acts.ts'

export interface OffBoarding {
  /** False if the frame names resources that are not this realm's. */
  take(domain: string, frame: OffboardedFrame, line: Line): Promise<boolean>
}

const RESOURCES_AT_ONCE = 500

export const openOffBoarding = (
  store: CoreStore,
  operations: Operations,
  { newId, log }: Surroundings,
): OffBoarding => {
  const running = new Set<string>()
  const takeOut = async (userId: string, resourceUris: readonly string[]): Promise<number> => {
    const rooms = await store.roomsWith(userId, resourceUris)
    for (const { id } of rooms) {
      const object = { objectType: 'person', id: userId, entryUUID: userId, reason: 'off-boarded' }
      const left = { id: newId(), actorId: userId, verb: 'leave', object }
      const change = { roomId: id, leave: [userId], activities: [left] }
      await operations.inTurn(turnsOf(store, id), async () => {
        await operations.change(change, { memberId: userId })
      })
    }
    return rooms.length
  }
  return {
    async take(domain, { userId, resourceUris }, line) {
      if (!resourceUris.every((uri) => uri.startsWith(`kms://${domain}/`))) return false
      const name = `${domain} ${userId}`
      // Said until acknowledged: the first one is still at work.
      if (running.has(name)) return true
      running.add(name)
      try {
        let rooms = 0
        for (let n = 0; n < resourceUris.length; n += RESOURCES_AT_ONCE) {
          rooms += await takeOut(userId, resourceUris.slice(n, n + RESOURCES_AT_ONCE))
        }
        line.send(encodeCoreFrame({ type: 'off-boarded-done', userId }))
        log.info('rooms.off-boarded', { realm: domain, rooms })
      } finally {
        running.delete(name)
      }
      return true
    },
  }
}
