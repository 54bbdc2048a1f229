// Domains that were met, and whose user somebody is. Rows are facts; who may claim what is decided elsewhere.

import { sql } from 'kysely'
import type { UserId } from '../id.ts'
import type { ClaimConflict, PeerRecord, PeerStore, Pin } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, optional, optionalInstant } from './mapping.ts'
import { peerColumns, peerConflictColumns, peerPinColumns } from './peer-tables.ts'
import type { RowOf } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert, prepareInsertion } from './statement.ts'

const toPeer = (row: RowOf<typeof peerColumns>): PeerRecord => ({
  domain: row.domain,
  firstMetAt: instant(row.first_met_at),
  ...optional('blockedAt', optionalInstant(row.blocked_at)),
})

const toPin = (row: RowOf<typeof peerPinColumns>): Pin => ({
  userId: branded<UserId>(row.user_id),
  domain: row.domain,
  pinnedAt: instant(row.pinned_at),
  ...optional('confirmedAt', optionalInstant(row.confirmed_at)),
})

const fromPin = (pin: Pin): RowOf<typeof peerPinColumns> => ({
  user_id: pin.userId,
  domain: pin.domain,
  pinned_at: pin.pinnedAt,
  confirmed_at: pin.confirmedAt ?? null,
})

const toConflict = (row: RowOf<typeof peerConflictColumns>): ClaimConflict => ({
  userId: branded<UserId>(row.user_id),
  domain: row.domain,
  firstAt: instant(row.first_at),
})

const prepareReads = (dialect: Dialect) => ({
  find: prepare(dialect, 'peers.find', { domains: 'texts' }, (db, p) =>
    db.selectFrom('peers').selectAll().where(p.domains.has('domain')),
  ),
  all: prepare(dialect, 'peers.all', {}, (db) =>
    db.selectFrom('peers').selectAll().orderBy('domain'),
  ),
  pins: prepare(dialect, 'peers.pins', { userIds: 'texts' }, (db, p) =>
    db.selectFrom('peer_pins').selectAll().where(p.userIds.has('user_id')),
  ),
  pinsOf: prepare(dialect, 'peers.pins-of', { domain: 'text', limit: 'integer' }, (db, p) =>
    db
      .selectFrom('peer_pins')
      .selectAll()
      .where('domain', '=', p.domain)
      .orderBy('user_id')
      .limit(p.limit),
  ),
  conflicts: prepare(dialect, 'peers.conflicts', {}, (db) =>
    db.selectFrom('peer_conflicts').selectAll().orderBy('first_at').orderBy('user_id'),
  ),
})

const pinNames = sql.join(Object.keys(peerPinColumns).map((column) => sql.ref(column)))

const prepareWrites = (dialect: Dialect) => ({
  meet: prepareInsert(dialect, 'peers', peerColumns, sql`on conflict (domain) do nothing`),
  setBlocked: prepareInsertion(
    dialect,
    'peers.set-blocked',
    peerColumns,
    sql`insert into peers (domain, first_met_at, blocked_at) ${dialect.values(peerColumns)}
      on conflict (domain) do update set blocked_at = excluded.blocked_at`,
  ),
  claim: prepareInsert(dialect, 'peer_pins', peerPinColumns, sql`on conflict (user_id) do nothing`),
  setPin: prepareInsertion(
    dialect,
    'peers.set-pin',
    peerPinColumns,
    sql`insert into peer_pins (${pinNames}) ${dialect.values(peerPinColumns)}
      on conflict (user_id) do update set domain = excluded.domain,
        pinned_at = excluded.pinned_at, confirmed_at = excluded.confirmed_at`,
  ),
  addConflicts: prepareInsert(
    dialect,
    'peer_conflicts',
    peerConflictColumns,
    sql`on conflict (user_id, domain) do nothing`,
  ),
  removeConflicts: prepare(dialect, 'peers.remove-conflicts', { userId: 'text' }, (db, p) =>
    db.deleteFrom('peer_conflicts').where('user_id', '=', p.userId),
  ),
})

export const preparePeers = (dialect: Dialect) => {
  const reads = prepareReads(dialect)
  const writes = prepareWrites(dialect)
  return (link: Link): PeerStore => ({
    async meet(domains, now) {
      const rows = [...new Set(domains)].map((domain) => ({
        ...{ domain, first_met_at: now, blocked_at: null },
      }))
      await link.insertAll(writes.meet, rows)
    },
    async find(domains) {
      const peers = (await link.all(reads.find, { domains })).map(toPeer)
      return new Map(peers.map((peer) => [peer.domain, peer]))
    },
    all: async () => (await link.all(reads.all, {})).map(toPeer),
    async setBlocked(domain, now, blockedAt) {
      const row = { domain, first_met_at: now, blocked_at: blockedAt ?? null }
      await link.insertAll(writes.setBlocked, [row])
    },
    async pins(userIds) {
      const pins = (await link.all(reads.pins, { userIds })).map(toPin)
      return new Map(pins.map((pin) => [pin.userId, pin]))
    },
    pinsOf: async (domain, limit) => (await link.all(reads.pinsOf, { domain, limit })).map(toPin),
    async claim(pins) {
      await link.insertAll(writes.claim, pins.map(fromPin))
    },
    async setPin(pin) {
      await link.insertAll(writes.setPin, [fromPin(pin)])
    },
    async addConflicts(conflicts) {
      const rows = conflicts.map(({ userId, domain, firstAt }) => ({
        ...{ user_id: userId, domain, first_at: firstAt },
      }))
      await link.insertAll(writes.addConflicts, rows)
    },
    conflicts: async () => (await link.all(reads.conflicts, {})).map(toConflict),
    async removeConflicts(userId) {
      await link.run(writes.removeConflicts, { userId })
    },
  })
}
