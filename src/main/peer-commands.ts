// Commands about other realms. They work on the database beside a running server, whose next request sees what they did.

import type { CliOutput, PeerActions, PeerOptions, PeerPinOptions } from '../admin/index.ts'
import { systemRandom } from '../crypto/index.ts'
import {
  blockPeer,
  type PeerDomain,
  type Pinned,
  parsePeerDomain,
  pinUser,
  unblockPeer,
  writeOffDebts,
} from '../federation/index.ts'
import { parseUserId } from '../id.ts'
import type { PeerRecord, Transaction } from '../kms/index.ts'
import { toRfc3339 } from '../time.ts'
import type { Realm } from './assembly.ts'
import { beside, DONE, listing, type Row } from './beside.ts'
import { CommandError } from './command-error.ts'
import { anchorRows, isTied } from './peer-anchors.ts'
import { checkCommand } from './peer-check.ts'
import { runPeerReceipts, runPeerReconcile } from './peer-receipts.ts'

const LISTED = 1000

const domainOf = ({ domain }: PeerOptions): PeerDomain => {
  const parsed = parsePeerDomain(domain)
  if (parsed !== undefined) return parsed
  throw new CommandError('main.invalid-domain', 'a peer is named by its domain, in lower case')
}

const stateOf = ({ blockedAt }: PeerRecord): string =>
  blockedAt === undefined ? 'open' : `blocked ${toRfc3339(blockedAt)}`

const peerRow = async (tx: Transaction, peer: PeerRecord): Promise<Row> => {
  const { domain, firstMetAt } = peer
  const pins = await tx.peers.pinsOf(domain, LISTED)
  const holds = await tx.copies.countHolders(domain)
  const { count: owed, oldest } = await tx.debts.tallyOwed(domain)
  return [
    domain,
    stateOf(peer),
    toRfc3339(firstMetAt),
    `${pins.length} users`,
    `${holds} copies`,
    oldest === undefined ? 'nothing owed' : `${owed} owed since ${toRfc3339(oldest)}`,
  ]
}

const listRows = (realm: Realm): Promise<readonly Row[]> =>
  realm.store.read(async (tx) => {
    const rows: Row[] = []
    for (const peer of await tx.peers.all()) rows.push(await peerRow(tx, peer))
    return rows
  })

/** User ids, not pseudonyms: an administrator compares them with what the other organisation says. */
const showRows = (realm: Realm, domain: PeerDomain): Promise<readonly Row[]> =>
  realm.store.read(async (tx) => {
    const peer = (await tx.peers.find([domain])).get(domain)
    const pins = await tx.peers.pinsOf(domain, LISTED)
    const anchors = anchorRows(realm.settings, domain)
    if (peer === undefined && pins.length === 0 && !anchors.some(isTied)) {
      throw new CommandError('main.unknown-peer', 'this realm has not met that peer')
    }
    const ids = new Set<string>(pins.map(({ userId }) => userId))
    const conflicts = (await tx.peers.conflicts()).filter(
      (one) => one.domain === domain || ids.has(one.userId),
    )
    const owed = await tx.debts.owedTo(domain, LISTED)
    return [
      ...(peer === undefined ? [] : [await peerRow(tx, peer)]),
      ...anchors,
      ...pins.map(({ userId, pinnedAt, confirmedAt }): Row => {
        const how = confirmedAt === undefined ? 'claimed, unconfirmed' : 'confirmed'
        return ['user', userId, how, toRfc3339(confirmedAt ?? pinnedAt)]
      }),
      ...conflicts.map(
        (one): Row => [
          ...['conflict', one.userId, `claimed by ${one.domain}`, toRfc3339(one.firstAt)],
        ],
      ),
      ...owed.map(
        (one): Row => [
          ...['owed', one.resourceUri, one.userId, toRfc3339(one.since)],
          `tried ${one.attempts} times`,
        ],
      ),
    ]
  })

const NOT_YET =
  'nothing has been owed to this peer for a day: what is younger is pushed until it acknowledges'

const REASONS: Readonly<Record<Exclude<Pinned, 'pinned'>, string>> = {
  'already-pinned': 'the user is known as one of that peer already',
  'pinned-elsewhere': 'the user is known as one of another peer; see move-pin',
  'own-user': 'the user is one of this realm',
}

const pin = (options: PeerPinOptions, mayMove: boolean): Promise<number> =>
  beside(options.config, async ({ ledger }) => {
    const domain = domainOf(options)
    const userId = parseUserId(options.user)
    if (userId === undefined) throw new CommandError('main.invalid-user', 'a user id is a UUID')
    const result = await pinUser(ledger, systemRandom, { userId, domain, mayMove })
    if (result === 'pinned') return DONE
    throw new CommandError(`main.${result}`, REASONS[result])
  })

export const createPeerCommands = (output: CliOutput): PeerActions => ({
  peersList: (options) => listing(options, output, listRows),
  peersShow: (options) => listing(options, output, (realm) => showRows(realm, domainOf(options))),
  peersBlock: (options) =>
    beside(options.config, async ({ ledger }) => {
      if (await blockPeer(ledger, domainOf(options))) return DONE
      throw new CommandError('main.already-blocked', 'this peer is blocked already')
    }),
  peersUnblock: (options) =>
    beside(options.config, async ({ ledger }) => {
      if (await unblockPeer(ledger, domainOf(options))) return DONE
      throw new CommandError('main.not-blocked', 'this peer is not blocked')
    }),
  peersWriteOff: (options) =>
    beside(options.config, async ({ ledger }) => {
      const { withdrawals, left } = await writeOffDebts(ledger, domainOf(options))
      if (withdrawals === 0) throw new CommandError('main.nothing-to-write-off', NOT_YET)
      output.out(`written off\t${withdrawals}\tstill owed\t${left}\n`)
      return DONE
    }),
  peersPin: (options) => pin(options, false),
  peersMovePin: (options) => pin(options, true),
  peersCheck: (options) => checkCommand(options, output),
  peersReceipts: (options) => runPeerReceipts(options, output),
  peersReconcile: (options) => runPeerReconcile(options, output),
})
