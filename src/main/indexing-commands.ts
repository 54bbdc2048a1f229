// Commands about the running index. They work on the database beside a running server, whose next round sees what they did;
// none of them needs the main key, because destroying takes no key and a new one is made by the server.

import type { CliOutput, IndexingActions } from '../admin/index.ts'
import type { Act } from '../audit/index.ts'
import { isUuid, type ResourceUri } from '../id.ts'
import {
  type IndexTransaction,
  leaveRoom,
  type Range,
  readAgain,
  rekeyRoom,
} from '../indexer/index.ts'
import { parseResourceUri, urisOf } from '../protocol/index.ts'
import { isRefusal } from '../refusal.ts'
import { toRfc3339 } from '../time.ts'
import type { Realm } from './assembly.ts'
import { beside, DONE, listing, type Row, SYSTEM } from './beside.ts'
import { CommandError } from './command-error.ts'

const rangeRow = ({
  reason,
  resourceUri,
  startAfter,
  readTo,
  upTo,
  dueAt,
  attempts,
}: Range): Row => {
  const share = upTo === startAfter ? 1 : (readTo - startAfter) / (upTo - startAfter)
  const percent = `${Math.floor(share * 100)} %`
  const when = `due ${toRfc3339(dueAt)}`
  return ['range', reason, resourceUri ?? 'all rooms', percent, when, `tried ${attempts} times`]
}

const statusRows = (realm: Realm): Promise<readonly Row[]> =>
  realm.store.read(async (tx) => {
    const { readTo, head, indexed, skipped } = await tx.index.progress()
    const { grants, exclusions } = await tx.machines.policyOf('index')
    return [
      ['grants', grants.length],
      ['rooms left out', exclusions.length],
      ['rooms', await tx.index.countRooms()],
      ['read to', readTo, `of ${head}`, `${Math.max(0, head - readTo)} behind`],
      ['messages indexed', indexed],
      ['messages skipped', skipped],
      ['lists waiting for the cloud', await tx.index.countOutgoing()],
      ...(await tx.index.drops()).map((uri): Row => ['being left', uri]),
      ...(await tx.index.ranges()).map(rangeRow),
    ]
  })

const roomOf = (realm: Realm, raw: string): ResourceUri => {
  const uris = urisOf(realm.kms.domain)
  const uri = isUuid(raw) ? uris.resource(raw) : parseResourceUri(raw, uris)
  if (!isRefusal(uri)) return uri
  throw new CommandError('main.invalid-room', 'name the room by its resource URI')
}

const act = (action: string, resource: ResourceUri): Act => ({
  ...{ action, actor: SYSTEM, type: 'RESOURCE', resource },
  outcome: 'done',
})

/** Leaves the room out for every account that may index; a grant for this room alone is no other. */
const leaveOut = async (
  tx: IndexTransaction,
  realm: Realm,
  resourceUri: ResourceUri,
): Promise<boolean> => {
  const { grants } = await tx.machines.policyOf('index')
  let isNew = false
  for (const userId of new Set(grants.map((grant) => grant.userId))) {
    const exclusion = { userId, feature: 'index', resourceUri, createdAt: realm.now() } as const
    isNew = (await tx.machines.exclude(exclusion)) || isNew
  }
  return isNew
}

const letIn = async (tx: IndexTransaction, resourceUri: ResourceUri): Promise<boolean> => {
  const { exclusions } = await tx.machines.policyOf('index')
  const own = exclusions.filter((exclusion) => exclusion.resourceUri === resourceUri)
  for (const { userId } of own) await tx.machines.readmit(userId, 'index', resourceUri)
  return own.length > 0
}

export const createIndexingCommands = (output: CliOutput): IndexingActions => ({
  indexStatus: (options) => listing(options, output, statusRows),
  indexRekey: ({ config, room }) =>
    beside(config, async (realm) => {
      const uri = roomOf(realm, room)
      if (await realm.ledger.commit((tx, now) => rekeyRoom(tx, uri, now))) return DONE
      throw new CommandError('main.not-indexed', 'this room is not indexed')
    }),
  indexRemoveRoom: ({ config, room }) =>
    beside(config, async (realm) => {
      const uri = roomOf(realm, room)
      const isNew = await realm.ledger.commit(async (tx, now) => {
        if (!(await leaveOut(tx, realm, uri))) return { result: false, acts: [] }
        const left = await leaveRoom(tx, uri, now)
        return { result: true, acts: [act('index.room-left-out', uri), ...left] }
      })
      if (isNew) return DONE
      throw new CommandError('main.nothing-to-leave', 'nobody is granted to index it')
    }),
  indexAddRoom: ({ config, room }) =>
    beside(config, async (realm) => {
      const uri = roomOf(realm, room)
      const wasLeftOut = await realm.ledger.commit(async (tx, now) => {
        if (!(await letIn(tx, uri))) return { result: false, acts: [] }
        await readAgain(tx, 'joined', now, { resourceUri: uri })
        return { result: true, acts: [act('index.room-let-in', uri)] }
      })
      if (wasLeftOut) return DONE
      throw new CommandError('main.not-left-out', 'this room was not left out')
    }),
})
