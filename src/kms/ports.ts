// What the KMS needs of the world, by need. `store/` implements these on SQLite and PostgreSQL;
// `main.ts` joins them. No port takes or returns an unwrapped key.
// List methods take many ids at once so that a group of requests costs one round trip, not one each.

import type { AuditStore } from '../audit/index.ts'
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
import type { CoreOperation } from './core-operation.ts'
import type { BoundKey, Key, UnboundKey } from './key.ts'
import type { KeyEncryptionKey, MainKey } from './keyring/stored.ts'
import type { Person } from './person.ts'
import type { Resource } from './resource.ts'
import type { Session } from './session.ts'
import type { StaticKey } from './static-key.ts'
import type { StoredAnswer, StoredAnswerId } from './stored-answer.ts'

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
  /** Deletes at most `limit` resources whose time to live has passed, with their authorizations. */
  sweepExpired(now: Instant, limit: number): Promise<readonly ResourceUri[]>
}

export interface ResourceAndAuthId {
  readonly resourceUri: ResourceUri
  readonly authId: AuthId
}

export interface AuthorizationStore {
  find(uris: readonly AuthorizationUri[]): Promise<ReadonlyMap<AuthorizationUri, Authorization>>
  /** Live authorizations of a resource in order of creation; only those of `authIds` if given. */
  ofResource(
    resourceUri: ResourceUri,
    now: Instant,
    authIds?: readonly AuthId[],
  ): Promise<readonly Authorization[]>
  insert(authorizations: readonly Authorization[]): Promise<void>
  remove(uris: readonly AuthorizationUri[]): Promise<void>
  /**
   * For each pair, is `authId` authorised on the resource, directly or through authorizations that
   * name other resources, however deep? Cycles end. Expired resources and authorizations never count.
   */
  reach(pairs: readonly ResourceAndAuthId[], now: Instant): Promise<readonly boolean[]>
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

/** One durable unit of work. Everything in it commits together, audit entries included. */
export interface Transaction {
  readonly keys: KeyStore
  readonly resources: ResourceStore
  readonly authorizations: AuthorizationStore
  readonly sessions: SessionStore
  readonly answers: AnswerStore
  readonly operations: OperationStore
  readonly people: PersonStore
  readonly keyring: KeyringStore
  readonly staticKeys: StaticKeyStore
  readonly audit: AuditStore
}

export interface Store {
  /**
   * Runs `work` in one serializable transaction and resolves once its commit is durable. Retries
   * serialization failures by running `work` again, so `work` MUST have no effect but on `tx`.
   */
  transact<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>
  /** Reads outside the write lock: a snapshot, never for a decision that a later write relies on. */
  read<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>
}
