// PeerStore, CopyStore, DebtStore: whose user somebody is, what is known of other realms, and what is owed to them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyUri, ResourceUri, UserId } from '../../../src/id.ts'
import type { PeerReceipt } from '../../../src/kms/index.ts'
import { after, type Instant, instant, seconds } from '../../../src/time.ts'
import { type Implementation, openFresh } from './implementations.ts'
import { aKeyUri, anUnboundKey, aResourceUri, aUserId, bound, HOME, NOW } from './make.ts'

const LATER = after(NOW, seconds(10))
const FOREIGN_HOME = 'kms://kms.globex.example'
const GLOBEX = 'kms.globex.example'
const MALLORY = 'kms.mallory.example'

let made = 0
const foreign = <Uri extends string>(kind: 'keys' | 'resources'): Uri => {
  made += 1
  const end = String(made).padStart(12, '0')
  return `${FOREIGN_HOME}/${kind}/00000000-0000-4000-8000-${end}` as Uri
}

const peersContract = (on: Implementation): void => {
  test('peers are met once, blocked and let in again', async () => {
    const store = await openFresh(on)
    await store.transact((tx) => tx.peers.meet([GLOBEX, MALLORY, GLOBEX], NOW))
    await store.transact((tx) => tx.peers.meet([GLOBEX], LATER))
    await store.transact((tx) => tx.peers.setBlocked(MALLORY, LATER, LATER))
    await store.transact((tx) => tx.peers.setBlocked('kms.new.example', LATER, LATER))
    assert.deepEqual(await store.read((tx) => tx.peers.all()), [
      { domain: GLOBEX, firstMetAt: NOW },
      { domain: MALLORY, firstMetAt: NOW, blockedAt: LATER },
      { domain: 'kms.new.example', firstMetAt: LATER, blockedAt: LATER },
    ])
    await store.transact((tx) => tx.peers.setBlocked(MALLORY, LATER, undefined))
    const found = await store.read((tx) => tx.peers.find([MALLORY, 'kms.nobody.example']))
    assert.deepEqual([...found], [[MALLORY, { domain: MALLORY, firstMetAt: NOW }]])
  })

  test('a user is pinned by the first claim, and moved only on purpose', async () => {
    const store = await openFresh(on)
    const [one, two] = [aUserId(), aUserId()]
    const pin = { userId: one, domain: GLOBEX, pinnedAt: NOW }
    await store.transact((tx) => tx.peers.claim([pin, { ...pin, userId: two }]))
    await store.transact((tx) => tx.peers.claim([{ ...pin, domain: MALLORY }]))
    assert.deepEqual(await store.read((tx) => tx.peers.pins([one])), new Map([[one, pin]]))
    const moved = { userId: one, domain: MALLORY, pinnedAt: LATER, confirmedAt: LATER }
    await store.transact((tx) => tx.peers.setPin(moved))
    assert.deepEqual(await store.read((tx) => tx.peers.pinsOf(MALLORY, 10)), [moved])
    assert.deepEqual(
      (await store.read((tx) => tx.peers.pinsOf(GLOBEX, 10))).map(({ userId }) => userId),
      [two],
    )
  })

  test('conflicts are kept with their first time until they are settled', async () => {
    const store = await openFresh(on)
    const conflict = { userId: aUserId(), domain: MALLORY, firstAt: NOW }
    await store.transact((tx) => tx.peers.addConflicts([conflict]))
    await store.transact((tx) => tx.peers.addConflicts([{ ...conflict, firstAt: LATER }]))
    assert.deepEqual(await store.read((tx) => tx.peers.conflicts()), [conflict])
    await store.transact((tx) => tx.peers.removeConflicts(conflict.userId))
    assert.deepEqual(await store.read((tx) => tx.peers.conflicts()), [])
  })
}

const copiesContract = (on: Implementation): void => {
  test('what a home said of a user holds until it takes it back, and newer word beats older', async () => {
    const store = await openFresh(on)
    const pair = { resourceUri: foreign<ResourceUri>('resources'), userId: aUserId() }
    const other = { ...pair, userId: aUserId() }
    const known = () => store.read((tx) => tx.copies.known([other, pair, pair]))
    assert.deepEqual(await known(), [undefined, undefined, undefined])
    await store.transact((tx) => tx.copies.learn([pair, pair], LATER))
    await store.transact((tx) => tx.copies.learn([pair], NOW))
    assert.deepEqual(await known(), [undefined, LATER, LATER])
    await store.transact((tx) => tx.copies.withdraw([pair, other], after(LATER, seconds(1))))
    assert.deepEqual(await known(), [undefined, undefined, undefined])
    // Asked before it was withdrawn, answered after: nothing.
    await store.transact((tx) => tx.copies.learn([pair], LATER))
    assert.deepEqual(await known(), [undefined, undefined, undefined])
    const again = after(LATER, seconds(2))
    await store.transact((tx) => tx.copies.learn([pair], again))
    assert.deepEqual(await known(), [undefined, again, again])
  })

  test('word from a future that a clock has taken back is replaced, and taken back', async () => {
    const store = await openFresh(on)
    const pair = { resourceUri: foreign<ResourceUri>('resources'), userId: aUserId() }
    const known = async () => (await store.read((tx) => tx.copies.known([pair])))[0]
    const future = after(LATER, seconds(900))
    await store.transact((tx) => tx.copies.learn([pair], future))
    await store.transact((tx) => tx.copies.withdraw([pair], NOW))
    assert.equal(await known(), undefined)
    await store.transact((tx) => tx.copies.learn([pair], LATER))
    assert.equal(await known(), LATER)
  })

  test('whatever is known of one user is taken back at once', async () => {
    const store = await openFresh(on)
    const userId = aUserId()
    const pairs = [1, 2].map(() => ({ resourceUri: foreign<ResourceUri>('resources'), userId }))
    const other = { ...pairs[0], userId: aUserId() } as (typeof pairs)[number]
    await store.transact((tx) => tx.copies.learn([...pairs, other], NOW))
    const rooms = await store.transact((tx) => tx.copies.withdrawUser(userId, LATER))
    assert.deepEqual([...rooms].sort(), pairs.map((one) => one.resourceUri).sort())
    const known = await store.read((tx) => tx.copies.known([...pairs, other]))
    assert.deepEqual(known, [undefined, undefined, NOW])
  })

  test('what was withdrawn of a home is forgotten after a while, and of no other', async () => {
    const store = await openFresh(on)
    const some = () => ({ resourceUri: foreign<ResourceUri>('resources'), userId: aUserId() })
    const [old, young, known] = [some(), some(), some()]
    await store.transact((tx) => tx.copies.withdraw([old], NOW))
    await store.transact((tx) => tx.copies.withdraw([young], LATER))
    await store.transact((tx) => tx.copies.learn([known], NOW))
    const sweep = (home: string) => store.transact((tx) => tx.copies.sweepWithdrawn(home, LATER))
    const [host = ''] = old.resourceUri.split('/resources/')
    assert.equal(await sweep(HOME), 0)
    assert.equal(await sweep(host), 1)
    // An answer from before the withdrawal counts again: it can no longer come.
    await store.transact((tx) => tx.copies.learn([old, young], instant(NOW - 1)))
    const left = await store.read((tx) => tx.copies.known([old, young, known]))
    assert.deepEqual(left, [instant(NOW - 1), undefined, NOW])
  })

  test('copies are kept once, and dropped when nobody reads them any more', async () => {
    const store = await openFresh(on)
    const resourceUri = foreign<ResourceUri>('resources')
    const copy = bound(anUnboundKey({ uri: foreign<KeyUri>('keys') }), resourceUri)
    const own = bound(anUnboundKey(), resourceUri)
    const pair = { resourceUri, userId: aUserId() }
    await store.transact((tx) => tx.copies.keep([copy, own]))
    await store.transact((tx) => tx.copies.keep([{ ...copy, createdBy: aUserId() }]))
    await store.transact((tx) => tx.copies.learn([pair], NOW))
    const drop = () => store.transact((tx) => tx.copies.dropUnread(HOME, [resourceUri]))
    assert.deepEqual(await drop(), [])
    await store.transact((tx) => tx.copies.withdraw([pair], LATER))
    assert.deepEqual(await drop(), [copy.uri])
    const left = await store.read((tx) => tx.keys.find([copy.uri, own.uri]))
    assert.deepEqual([...left.values()], [own])
  })

  test('keys of other realms in rooms of ours are known in order, each once', async () => {
    const store = await openFresh(on)
    const resourceUri = aResourceUri()
    const late = { uri: foreign<KeyUri>('keys'), resourceUri, boundAt: LATER }
    const early = { uri: foreign<KeyUri>('keys'), resourceUri, boundAt: NOW }
    for (const key of [late, early, { ...early, boundAt: instant(1) }]) {
      await store.transact((tx) => tx.copies.addForeignKey(key))
    }
    assert.deepEqual(await store.read((tx) => tx.copies.foreignKeysOf(resourceUri)), [early, late])
    const found = await store.read((tx) => tx.copies.foreignKeys([late.uri, aKeyUri()]))
    assert.deepEqual([...found.values()], [late])
  })

  test('who holds copies is known by room, each peer and user once', async () => {
    const store = await openFresh(on)
    const holder = { resourceUri: aResourceUri(), userId: aUserId(), domain: GLOBEX, since: NOW }
    const other = { ...holder, domain: MALLORY }
    await store.transact((tx) => tx.copies.addHolders([holder, other]))
    await store.transact((tx) => tx.copies.addHolders([{ ...holder, since: LATER }]))
    const of = async () => {
      const found = await store.read((tx) => tx.copies.holdersOf([holder.resourceUri]))
      return found.toSorted((a, b) => a.domain.localeCompare(b.domain))
    }
    assert.deepEqual(await of(), [holder, other])
    assert.equal(await store.read((tx) => tx.copies.countHolders(GLOBEX)), 1)
    await store.transact((tx) => tx.copies.removeHolders([holder]))
    assert.deepEqual(await of(), [other])
  })
}

const aDebt = (userId: UserId = aUserId()) => ({
  resourceUri: aResourceUri(),
  userId,
  domain: GLOBEX,
  since: NOW,
  dueAt: NOW,
  attempts: 0,
})

const debtsContract = (on: Implementation): void => {
  test('withdrawals are owed until they are settled, and put off in between', async () => {
    const store = await openFresh(on)
    const [one, two] = [aDebt(), aDebt()]
    await store.transact((tx) => tx.debts.owe([one, two]))
    await store.transact((tx) => tx.debts.putOffWithdrawals([one], LATER))
    const due = (now = NOW) => store.read((tx) => tx.debts.dueWithdrawals(now, 10))
    assert.deepEqual(await due(), [two])
    const later = { ...one, dueAt: LATER, attempts: 1 }
    assert.deepEqual(await due(LATER), [two, later])
    assert.equal(await store.read((tx) => tx.debts.countOwed()), 2)
    // Owed anew while the peer was answering: that answer settles nothing.
    const anew = { ...two, since: LATER }
    await store.transact((tx) => tx.debts.owe([anew]))
    await store.transact((tx) => tx.debts.settleWithdrawals([later, two]))
    assert.deepEqual(await store.read((tx) => tx.debts.owedTo(GLOBEX, 10)), [anew])
  })

  test('what is put off stays as it is where it was settled, or is owed anew, meanwhile', async () => {
    const store = await openFresh(on)
    const [gone, again] = [aDebt(), aDebt()]
    const anew = { ...again, since: LATER, dueAt: LATER }
    await store.transact((tx) => tx.debts.owe([gone, again]))
    await store.transact((tx) => tx.debts.settleWithdrawals([gone]))
    await store.transact((tx) => tx.debts.owe([anew]))
    await store.transact((tx) => tx.debts.putOffWithdrawals([gone, again], LATER))
    assert.deepEqual(await store.read((tx) => tx.debts.owedTo(GLOBEX, 10)), [anew])
  })

  test('what is owed to one peer is counted with its age, and forgotten up to a moment', async () => {
    const store = await openFresh(on)
    const [old, young] = [aDebt(), { ...aDebt(), since: LATER, dueAt: LATER }]
    const other = { ...aDebt(), domain: MALLORY }
    const tally = (domain: string, until?: Instant) =>
      store.read((tx) => tx.debts.tallyOwed(domain, until))
    assert.deepEqual(await tally(GLOBEX), { count: 0 })
    await store.transact((tx) => tx.debts.owe([old, young, other]))
    assert.deepEqual(await tally(GLOBEX), { count: 2, oldest: NOW })
    assert.deepEqual(await tally(GLOBEX, NOW), { count: 1, oldest: NOW })
    await store.transact((tx) => tx.debts.writeOffOwed(GLOBEX, NOW))
    assert.deepEqual(await tally(GLOBEX), { count: 1, oldest: LATER })
    assert.deepEqual(await tally(MALLORY), { count: 1, oldest: NOW })
    assert.equal(await store.read((tx) => tx.debts.countOwed()), 2)
  })

  test('what one peer leaves unanswered keeps withdrawals from no other, and one user’s are found', async () => {
    const store = await openFresh(on)
    const early = [1, 2, 3].map(() => aDebt())
    const late = { ...aDebt(), domain: MALLORY, dueAt: LATER }
    await store.transact((tx) => tx.debts.owe([...early, late]))
    const due = await store.read((tx) => tx.debts.dueWithdrawals(LATER, 2))
    assert.deepEqual(
      due.map(({ domain }) => domain),
      [GLOBEX, GLOBEX, MALLORY],
    )
    const { dueAt: _due, attempts: _attempts, ...holder } = late
    await store.transact((tx) => tx.copies.addHolders([holder, { ...holder, domain: GLOBEX }]))
    const held = await store.read((tx) => tx.copies.holdersFor(holder.userId, MALLORY))
    assert.deepEqual(held, [holder])
  })

  test('binds wait until they are settled', async () => {
    const store = await openFresh(on)
    const { domain: _domain, ...debt } = aDebt()
    const bind = { ...debt, keyUri: aKeyUri() }
    await store.transact((tx) => tx.debts.addBind(bind))
    await store.transact((tx) => tx.debts.addBind({ ...bind, resourceUri: aResourceUri() }))
    assert.deepEqual(await store.read((tx) => tx.debts.findBind(bind.keyUri)), bind)
    const again = { ...bind, operationId: 'later' }
    await store.transact((tx) => tx.debts.addBind(again))
    assert.deepEqual(await store.read((tx) => tx.debts.findBind(bind.keyUri)), again)
    await store.transact((tx) => tx.debts.addBind(bind))
    await store.transact((tx) => tx.debts.putOffBind(bind.keyUri, LATER))
    assert.deepEqual(await store.read((tx) => tx.debts.dueBinds(NOW, 10)), [])
    const due = await store.read((tx) => tx.debts.dueBinds(LATER, 10))
    assert.deepEqual(due, [{ ...bind, dueAt: LATER, attempts: 1 }])
    await store.transact((tx) => tx.debts.settleBind(bind.keyUri))
    assert.equal(await store.read((tx) => tx.debts.findBind(bind.keyUri)), undefined)
  })
}

const receiptsContract = (on: Implementation): void => {
  const receipt = (position: number, change: Partial<PeerReceipt> = {}): PeerReceipt => ({
    ...{ domain: GLOBEX, kind: 'use', position, note: `note ${position}`, vkey: 'vkey-1' },
    receivedAt: NOW,
    ...change,
  })

  test('receipts are kept once for each place, and say which keys are new', async () => {
    const store = await openFresh(on)
    const keep = (...all: readonly PeerReceipt[]) => store.transact((tx) => tx.receipts.keep(all))
    const other = receipt(1, { kind: 'release', vkey: 'vkey-2' })
    const fresh = await keep(receipt(2), receipt(1), other)
    assert.deepEqual(
      fresh.map(({ vkey }) => vkey),
      ['vkey-1', 'vkey-2'],
    )
    assert.deepEqual(await keep(receipt(1, { note: 'another' })), [])
    assert.deepEqual((await keep(receipt(1, { domain: MALLORY }))).length, 1)
    const page = await store.read((tx) => tx.receipts.of(GLOBEX, { limit: 2 }))
    assert.deepEqual(
      page.map(({ kind, position, note }) => [kind, position, note]),
      [
        ['release', 1, 'note 1'],
        ['use', 1, 'note 1'],
      ],
    )
    const rest = await store.read((tx) => tx.receipts.of(GLOBEX, { after: receipt(1), limit: 2 }))
    assert.deepEqual(
      rest.map(({ position }) => position),
      [2],
    )
    assert.deepEqual(await store.read((tx) => tx.receipts.keysOf(GLOBEX)), ['vkey-1', 'vkey-2'])
  })

  test('what is owed to a peer of our log is due until it is settled', async () => {
    const store = await openFresh(on)
    const [one, two] = [1, 2].map((sequence) => ({ domain: GLOBEX, sequence }))
    assert.ok(one && two)
    const other = { domain: MALLORY, sequence: 1 }
    assert.equal(await store.read((tx) => tx.receipts.progress()), 0)
    await store.transact(async (tx) => {
      await tx.receipts.owe([two, one, other], NOW)
      await tx.receipts.setProgress(7)
    })
    await store.transact((tx) => tx.receipts.setProgress(9))
    assert.equal(await store.read((tx) => tx.receipts.progress()), 9)
    assert.deepEqual((await store.read((tx) => tx.receipts.dueDomains(NOW))).toSorted(), [
      GLOBEX,
      MALLORY,
    ])
    await store.transact((tx) => tx.receipts.putOff([one], LATER))
    assert.deepEqual(await store.read((tx) => tx.receipts.due(GLOBEX, NOW, 10)), [
      { ...two, attempts: 0 },
    ])
    assert.deepEqual(await store.read((tx) => tx.receipts.due(GLOBEX, LATER, 1)), [
      { ...one, attempts: 1 },
    ])
    await store.transact((tx) => tx.receipts.settle([one, two]))
    assert.equal(await store.read((tx) => tx.receipts.countOwed()), 1)
  })
}

export const federationContract = (on: Implementation): void => {
  describe('federation', () => {
    peersContract(on)
    copiesContract(on)
    debtsContract(on)
    receiptsContract(on)
  })
}
