// What the KMS needs of the world, by need. `store/` implements these on SQLite and PostgreSQL;
// `main.ts` joins them. No port takes or returns an unwrapped key.
// List methods take many ids at once so that a group of requests costs one round trip, not one each.

import type { AuditStore, ShippingStore, TreeStore, WitnessStore } from '../audit/index.ts'
import type {
  AuthId,
  AuthorizationUri,
  ClientId,
  KeyUri,
  OrganizationId,
  ResourceUri,
  SessionUri,
  UserId,
} from '../id.ts'
import type { Instant } from '../time.ts'
import type { Authorization } from './authorization.ts'
import type { StoredAnswer, StoredAnswerId } from './corridor/stored-answer.ts'
import type { CopyStore, DebtStore, PeerStore } from './foreign/peer-ports.ts'
import type { ReceiptStore } from './foreign/peer-receipts.ts'
import type { CoreOperation } from './joint/core-operation.ts'
import type { Drift, RosterCheck, StoredDrift } from './joint/roster.ts'
import type { BoundKey, Key, UnboundKey } from './key.ts'
import type { LogKey } from './keyring/log-key.ts'
import type { KeyEncryptionKey, MainKey } from './keyring/stored.ts'
import type { ErasureStore } from './leaving/erasure.ts'
import type { OffBoarding } from './leaving/off-boarded.ts'
import type {
  Feature,
  FeatureExclusion,
  FeatureGrant,
  FeaturePolicy,
  MachineAccount,
  Scope,
} from './machine.ts'
import type { Person } from './person.ts'
import type { Resource } from './resource.ts'
import type { SearchKey, SearchKeyPlace, WordRules } from './search-key.ts'
import type { Session } from './session.ts'
import type { StaticKey } from './static-key.ts'

/** Which of a resource's bound keys (draft §4.7.7). */
export interface BoundKeyFilter {
  /** Inclusive. */
  readonly boundAfter?: Instant
  /** Exclusive. */
  readonly boundBefore?: Instant
  /** Keep only so many, those bound last. */
  readonly count?: number
}

export interface KeyStore {
  /** Those of the keys that exist. */
  find(uris: readonly KeyUri[]): Promise<ReadonlyMap<KeyUri, Key>>
  /** Bound keys of a resource, oldest bind first. */
  ofResource(resourceUri: ResourceUri, filter: BoundKeyFilter): Promise<readonly BoundKey[]>
  insert(keys: readonly UnboundKey[]): Promise<void>
  /** Unbound → bound. Throws a Fault `store.key-not-unbound` if one of them is not unbound. */
  bind(keys: readonly BoundKey[]): Promise<void>
  /** Deletes every unbound key of a user; answers their URIs. */
  destroyUnbound(createdBy: UserId): Promise<readonly KeyUri[]>
  /** How many live unbound keys a user holds. */
  countUnbound(createdBy: UserId, now: Instant): Promise<number>
  /** Deletes at most `limit` unbound keys whose bind-by time has passed; answers their URIs. */
  sweepUnbound(now: Instant, limit: number): Promise<readonly KeyUri[]>
}

/** A resource at a glance, for its operator. */
export interface ResourceSummary {
  readonly resource: Resource
  readonly keys: number
  readonly authorizations: number
}

export interface ResourceStore {
  find(uris: readonly ResourceUri[]): Promise<ReadonlyMap<ResourceUri, Resource>>
  insert(resource: Resource): Promise<void>
  /** The `limit` newest. */
  newest(limit: number): Promise<readonly ResourceSummary[]>
  /** Their keys are stale from `now` on, unless they were stale before. */
  markStale(uris: readonly ResourceUri[], now: Instant): Promise<void>
  /** A new key was bound. */
  markRenewed(uri: ResourceUri): Promise<void>
  /** An authorization was added or removed. */
  rosterChanged(uris: readonly ResourceUri[], now: Instant): Promise<void>
  /** At most `limit` whose keys are stale, those first that have been so for longest. */
  stale(limit: number): Promise<readonly Resource[]>
  countStale(): Promise<number>
  /** The `limit` that the next sweep takes. */
  expired(now: Instant, limit: number): Promise<readonly ResourceUri[]>
  /** Deletes at most `limit` resources whose time to live has passed, with their authorizations. */
  sweepExpired(now: Instant, limit: number): Promise<readonly ResourceUri[]>
}

export interface ResourceAndAuthId {
  readonly resourceUri: ResourceUri
  readonly authId: AuthId
}

export interface AnonymousPage {
  readonly after: string
  readonly now: Instant
  readonly limit: number
}

export interface AuthorizationStore {
  find(uris: readonly AuthorizationUri[]): Promise<ReadonlyMap<AuthorizationUri, Authorization>>
  /** Live authorizations of a resource in order of creation; only those of `authIds` if given. */
  ofResource(
    resourceUri: ResourceUri,
    now: Instant,
    authIds?: readonly AuthId[],
  ): Promise<readonly Authorization[]>
  /** Live authorizations of several resources that name users or resources. */
  namedIn(resourceUris: readonly ResourceUri[], now: Instant): Promise<readonly ResourceAndAuthId[]>
  insert(authorizations: readonly Authorization[]): Promise<void>
  remove(uris: readonly AuthorizationUri[]): Promise<void>
  /** At most `limit` that name this user. */
  ofUser(userId: UserId, limit: number): Promise<readonly Authorization[]>
  /** At most `limit` anonymous ones that this user made, and so holds the bearers of. */
  anonymousBy(createdBy: UserId, limit: number): Promise<readonly Authorization[]>
  /** Live anonymous ones, by URI, after `after`. */
  anonymous(page: AnonymousPage): Promise<readonly Authorization[]>
  /** These resources and all in which they are authorised, directly or through others. */
  containing(uris: readonly ResourceUri[], now: Instant): Promise<readonly ResourceUri[]>
  /**
   * For each pair, is `authId` authorised on the resource, directly or through authorizations that
   * name other resources, however deep? Cycles end. Expired resources and authorizations never count.
   */
  reach(pairs: readonly ResourceAndAuthId[], now: Instant): Promise<readonly boolean[]>
  /**
   * For each of these resources, those of other homes than `home` (`kms://HOST`) that are authorised on it, directly or through
   * others of this home.
   */
  foreignWays(
    uris: readonly ResourceUri[],
    home: string,
    now: Instant,
  ): Promise<readonly (readonly ResourceUri[])[]>
  /** The `limit` that the next sweep takes. */
  expired(now: Instant, limit: number): Promise<readonly ResourceAndAuthId[]>
  sweepExpired(now: Instant, limit: number): Promise<readonly AuthorizationUri[]>
}

export interface LiveSessions {
  readonly ofDevice: number
  readonly ofPrincipal: number
}

export interface SessionStore {
  find(uri: SessionUri): Promise<Session | undefined>
  insert(session: Session): Promise<void>
  remove(uri: SessionUri): Promise<void>
  /** Ends all sessions of a principal at once; the sweep takes them away. Answers how many. */
  endAll(principalId: string): Promise<number>
  /** Live sessions of a principal: on one device, and on all. */
  countLive(principalId: string, clientId: ClientId, now: Instant): Promise<LiveSessions>
  /** Deletes at most `limit` sessions that ended before `now`, with their stored answers. */
  sweepExpired(now: Instant, limit: number): Promise<readonly SessionUri[]>
}

/** Answers already given, by session and requestId. */
export interface AnswerStore {
  find(ids: readonly StoredAnswerId[]): Promise<readonly (StoredAnswer | undefined)[]>
  insert(answers: readonly StoredAnswer[]): Promise<void>
}

/** What became of the operations that the core named: applied, refused, or withdrawn in time. */
export interface OperationStore {
  find(ids: readonly string[]): Promise<ReadonlyMap<string, CoreOperation>>
  insert(operations: readonly CoreOperation[]): Promise<void>
  /** Forgets at most `limit` of those settled before `moment`; answers how many. */
  sweepBefore(moment: Instant, limit: number): Promise<number>
}

export interface PersonStore {
  find(ids: readonly UserId[]): Promise<ReadonlyMap<UserId, Person>>
  /** Inserts the unknown; sets the organisation of known ones that had none. */
  remember(people: readonly Person[]): Promise<void>
  ofOrganization(organizationId: OrganizationId): Promise<readonly Person[]>
  /** From now on every request of theirs is refused. */
  markOffBoarded(userId: UserId, now: Instant): Promise<void>
}

/** What the store alone knows of a caller, asked for each request. */
export interface Standing {
  readonly isOffBoarded: boolean
  readonly machine?: {
    readonly organizationId: OrganizationId
    readonly isDisabled: boolean
    /** Those it was granted anywhere. */
    readonly features: ReadonlySet<Feature>
  }
}

export interface FeatureQuestion {
  readonly userId: UserId
  readonly feature: Feature
  readonly resourceUri: ResourceUri
}

/** A machine that was granted something in a room. */
export interface RoomAgent {
  readonly grantUri: AuthorizationUri
  readonly userId: UserId
  readonly createdAt: Instant
}

export interface MachineStore {
  /** Those of the users about whom there is something to say. */
  standing(ids: readonly UserId[]): Promise<ReadonlyMap<UserId, Standing>>
  /** In order of their names. */
  all(): Promise<readonly MachineAccount[]>
  byName(name: string): Promise<MachineAccount | undefined>
  /** Those of the users that are machines, disabled or not. */
  among(ids: readonly string[]): Promise<ReadonlySet<string>>
  /** Throws a Fault `store.not-unique` for a name or user that is there. */
  insert(account: MachineAccount): Promise<void>
  disable(userId: UserId, now: Instant): Promise<void>
  grants(): Promise<readonly FeatureGrant[]>
  /** Granting again changes nothing; answers whether it is new. */
  grant(grant: FeatureGrant): Promise<boolean>
  /** Answers whether there was one. */
  revoke(userId: UserId, feature: Feature, scope: Scope): Promise<boolean>
  /** Leaves a room out; answers whether it is new. */
  exclude(exclusion: FeatureExclusion): Promise<boolean>
  /** Answers whether it was left out. */
  readmit(userId: UserId, feature: Feature, resourceUri: ResourceUri): Promise<boolean>
  policyOf(feature: Feature): Promise<FeaturePolicy>
  /** For each question, is that feature granted there to an account that is not disabled? */
  granted(questions: readonly FeatureQuestion[], now: Instant): Promise<readonly boolean[]>
  /** Accounts that were granted something in a room and are not disabled, each once. */
  agentsOf(resourceUri: ResourceUri): Promise<readonly RoomAgent[]>
}

export interface OffBoardingStore {
  find(userId: UserId): Promise<OffBoarding | undefined>
  /** Begins it, or begins it again: not finished, not acknowledged. The first sequence stays. */
  begin(offBoarding: OffBoarding): Promise<void>
  addRooms(userId: UserId, uris: readonly ResourceUri[]): Promise<void>
  /** In which rooms they were authorised. */
  rooms(userId: UserId): Promise<readonly ResourceUri[]>
  finish(userId: UserId, now: Instant): Promise<void>
  acknowledge(userId: UserId, now: Instant): Promise<void>
  /** At most `limit` that are not acknowledged yet, oldest first. */
  pending(limit: number): Promise<readonly OffBoarding[]>
}

export interface SharedPage {
  readonly after: string
  readonly settled: Instant
  readonly now: Instant
  readonly limit: number
}

export interface RosterStore {
  /** All differences that stand, or those of some rooms. */
  drifts(resourceUris?: readonly ResourceUri[]): Promise<readonly StoredDrift[]>
  insert(drifts: readonly StoredDrift[]): Promise<void>
  remove(drifts: readonly Drift[]): Promise<void>
  countDrifts(): Promise<number>
  /** Resources with keys and people who are authorised by name, unchanged since `settled`; by URI, after `after`. */
  shared(page: SharedPage): Promise<readonly ResourceUri[]>
  lastCheck(): Promise<RosterCheck | undefined>
  checked(check: RosterCheck): Promise<void>
}

export interface SearchKeyStore {
  /** Keys of these rooms that are not destroyed, the newest first within each room. */
  ofRooms(
    resourceUris: readonly ResourceUri[],
  ): Promise<ReadonlyMap<ResourceUri, readonly SearchKey[]>>
  /** Those of the keys that are not destroyed. */
  find(ids: readonly number[]): Promise<ReadonlyMap<number, SearchKey>>
  /** Where the keys are that are not destroyed, of all rooms that a user reaches directly or through others; newest first. */
  reachedBy(userId: UserId, now: Instant): Promise<readonly SearchKeyPlace[]>
  /** Where they are in all rooms. */
  places(): Promise<readonly SearchKeyPlace[]>
  /** Rooms that are no more, and whose keys should not be either. */
  orphans(): Promise<readonly ResourceUri[]>
  /** At most `limit` rooms with a key that was made for other rules. */
  outdated(rules: WordRules, limit: number): Promise<readonly ResourceUri[]>
  /** A number that no key had before. */
  nextId(): Promise<number>
  insert(key: SearchKey): Promise<void>
  /** Somebody left: from now on these rooms want a new key for what comes. */
  retire(resourceUris: readonly ResourceUri[], now: Instant): Promise<void>
  /** Overwrites their bytes for good. */
  destroy(ids: readonly number[], now: Instant): Promise<void>
}

export interface KeyringStore {
  mainKeys(): Promise<readonly MainKey[]>
  insertMainKey(mainKey: MainKey): Promise<void>
  keyEncryptionKeys(): Promise<readonly KeyEncryptionKey[]>
  insertKeyEncryptionKey(key: KeyEncryptionKey): Promise<void>
  /** Adds to the number of wraps done under a key-encryption key. */
  countWraps(keyEncryptionKeyId: string, wraps: number): Promise<void>
}

export interface StaticKeyStore {
  /** Newest first. */
  all(): Promise<readonly StaticKey[]>
  insert(key: StaticKey): Promise<void>
}

export interface LogKeyStore {
  /** Those of one purpose, oldest first. */
  all(purpose: string): Promise<readonly LogKey[]>
  insert(key: LogKey): Promise<void>
  /** Gone, private parts too. */
  remove(names: readonly string[]): Promise<void>
}

/** One durable unit of work. Everything in it commits together, audit entries included. */
export interface Transaction {
  readonly keys: KeyStore
  readonly resources: ResourceStore
  readonly authorizations: AuthorizationStore
  readonly sessions: SessionStore
  readonly answers: AnswerStore
  readonly operations: OperationStore
  readonly people: PersonStore
  readonly machines: MachineStore
  readonly offBoardings: OffBoardingStore
  readonly erasures: ErasureStore
  readonly rosters: RosterStore
  readonly searchKeys: SearchKeyStore
  readonly keyring: KeyringStore
  readonly staticKeys: StaticKeyStore
  readonly audit: AuditStore
  readonly tree: TreeStore
  readonly logKeys: LogKeyStore
  readonly peers: PeerStore
  readonly copies: CopyStore
  readonly debts: DebtStore
  readonly receipts: ReceiptStore
  readonly shipping: ShippingStore
  readonly witnesses: WitnessStore
}

export interface Store<Tx extends Transaction = Transaction> {
  /**
   * Runs `work` in one serializable transaction and resolves once its commit is durable. Retries
   * serialization failures by running `work` again, so `work` MUST have no effect but on `tx`.
   */
  transact<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result>
  /** Reads outside the write lock: a snapshot, never for a decision that a later write relies on. */
  read<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result>
}
