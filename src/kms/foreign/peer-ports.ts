// What the store remembers for federation: which domains were met and whose user somebody is; what is known of resources and
// keys of other realms, and who holds copies of ours; and what is still owed to a peer.

import type { KeyUri, ResourceUri, UserId } from '../../id.ts'
import type { Instant } from '../../time.ts'
import type { BoundKey } from '../key.ts'

export interface PeerRecord {
  readonly domain: string
  readonly firstMetAt: Instant
  readonly blockedAt?: Instant
}

/** "This user is of that domain." */
export interface Pin {
  readonly userId: UserId
  readonly domain: string
  readonly pinnedAt: Instant
  /** When an administrator said so; absent while only the domain itself did. */
  readonly confirmedAt?: Instant
}

/** A domain that claimed a user of another. */
export interface ClaimConflict {
  readonly userId: UserId
  readonly domain: string
  readonly firstAt: Instant
}

export interface PeerStore {
  /** Those that are new are remembered from now on. */
  meet(domains: readonly string[], now: Instant): Promise<void>
  /** Those of the domains that were met, by domain. */
  find(domains: readonly string[]): Promise<ReadonlyMap<string, PeerRecord>>
  /** In order of their names. */
  all(): Promise<readonly PeerRecord[]>
  /** Undefined unblocks; a domain that was not met yet can be blocked, too. */
  setBlocked(domain: string, now: Instant, blockedAt: Instant | undefined): Promise<void>
  pins(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, Pin>>
  pinsOf(domain: string, limit: number): Promise<readonly Pin[]>
  /** Those whose user has no pin yet; the others change nothing. */
  claim(pins: readonly Pin[]): Promise<void>
  /** Takes the place of another one. */
  setPin(pin: Pin): Promise<void>
  /** A conflict that is known already changes nothing. */
  addConflicts(conflicts: readonly ClaimConflict[]): Promise<void>
  conflicts(): Promise<readonly ClaimConflict[]>
  removeConflicts(userId: UserId): Promise<void>
}

export interface ResourceAndUser {
  readonly resourceUri: ResourceUri
  readonly userId: UserId
}

/** A key of another realm, bound to a resource of ours. */
export interface ForeignKey {
  readonly uri: KeyUri
  readonly resourceUri: ResourceUri
  readonly boundAt: Instant
}

/** A peer that was given keys of a resource for one of its users. */
export interface Holder extends ResourceAndUser {
  readonly domain: string
  readonly since: Instant
}

export interface CopyStore {
  /** For each pair, as of when its home said that the user is authorised; undefined if it never did, or took it back. */
  known(pairs: readonly ResourceAndUser[]): Promise<readonly (Instant | undefined)[]>
  /** As of `asOf`; what was withdrawn since then stays withdrawn. */
  learn(pairs: readonly ResourceAndUser[], asOf: Instant): Promise<void>
  withdraw(pairs: readonly ResourceAndUser[], now: Instant): Promise<void>
  /** Of one user, whatever is known; answers on which resources that was. */
  withdrawUser(userId: UserId, now: Instant): Promise<readonly ResourceUri[]>
  /**
   * Forgets what was withdrawn of the resources of `home` (`kms://HOST`) before `time`: no answer that was asked for then is still
   * on its way. Answers how many of them are left.
   */
  sweepWithdrawn(home: string, time: Instant): Promise<number>
  /** Copies of keys of other realms; those that are there change nothing. */
  keep(keys: readonly BoundKey[]): Promise<void>
  /**
   * Drops copies bound to these resources where no user is known to be authorised on them; answers their URIs. Keys of
   * `home` (`kms://HOST`) are no copies, and stay.
   */
  dropUnread(home: string, resourceUris: readonly ResourceUri[]): Promise<readonly KeyUri[]>
  foreignKeys(uris: readonly KeyUri[]): Promise<ReadonlyMap<KeyUri, ForeignKey>>
  foreignKeysOf(resourceUri: ResourceUri): Promise<readonly ForeignKey[]>
  /** Once; another one of the same URI changes nothing. */
  addForeignKey(key: ForeignKey): Promise<void>
  addHolders(holders: readonly Holder[]): Promise<void>
  holdersOf(resourceUris: readonly ResourceUri[]): Promise<readonly Holder[]>
  holdersFor(userId: UserId, domain: string): Promise<readonly Holder[]>
  countHolders(domain: string): Promise<number>
  removeHolders(holders: readonly Holder[]): Promise<void>
}

export interface Due {
  readonly dueAt: Instant
  readonly attempts: number
}

export interface OwedWithdrawal extends Holder, Due {}

export interface OwedTally {
  readonly count: number
  /** Absent where nothing is owed. */
  readonly oldest?: Instant
}

/** A key of ours that another realm was asked to take into a resource. */
export interface PendingBind extends ResourceAndUser, Due {
  readonly keyUri: KeyUri
  readonly since: Instant
  /** The core's operation that it is part of. */
  readonly operationId?: string
}

export interface DebtStore {
  /** Owed again is owed from then on. */
  owe(withdrawals: readonly OwedWithdrawal[]): Promise<void>
  /** At most `limit` that are due to each domain: what one of them leaves unanswered keeps no other waiting. */
  dueWithdrawals(now: Instant, limit: number): Promise<readonly OwedWithdrawal[]>
  /** All that is owed to a domain, the oldest first; at most `limit`. */
  owedTo(domain: string, limit: number): Promise<readonly OwedWithdrawal[]>
  countOwed(): Promise<number>
  /** What has been owed to a domain since `until` or longer; without it, all that is. */
  tallyOwed(domain: string, until?: Instant): Promise<OwedTally>
  /** Forgets what that is. */
  writeOffOwed(domain: string, until: Instant): Promise<void>
  /** Those that are not owed again since. */
  settleWithdrawals(withdrawals: readonly Holder[]): Promise<void>
  /** Those that are still owed, and not owed again since. */
  putOffWithdrawals(withdrawals: readonly OwedWithdrawal[], dueAt: Instant): Promise<void>
  /** Of one that is there already nothing changes but the operation that it is part of. */
  addBind(bind: PendingBind): Promise<void>
  findBind(keyUri: KeyUri): Promise<PendingBind | undefined>
  dueBinds(now: Instant, limit: number): Promise<readonly PendingBind[]>
  putOffBind(keyUri: KeyUri, dueAt: Instant): Promise<void>
  settleBind(keyUri: KeyUri): Promise<void>
}
