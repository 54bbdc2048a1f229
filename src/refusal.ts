// A Refusal: a correct "no", returned as a value so that its evidence commits with the transaction.
// The list of codes is closed: never rename one, never give an old one a new meaning.
// What a caller is told for each code stands in one table, `protocol/status.ts`.

export type RefusalCode =
  // Before the channel opens: silence, or the signed reset (draft §4.6.4).
  | 'channel.oversized'
  | 'channel.malformed'
  | 'channel.unknown-static-key'
  | 'channel.unknown-session'
  | 'channel.expired-session'
  | 'channel.not-opened'
  | 'channel.overloaded'
  // The opened request.
  | 'request.not-json'
  | 'request.too-deep'
  | 'request.duplicate-member'
  | 'request.unknown-member'
  | 'request.invalid'
  | 'request.invalid-uri'
  | 'request.invalid-id'
  | 'request.invalid-count'
  | 'request.foreign-host'
  | 'request.unknown-operation'
  | 'request.id-reused'
  | 'request.invalid-point'
  | 'request.not-supported'
  // Who asks.
  | 'identity.token-missing'
  | 'identity.token-malformed'
  | 'identity.token-untrusted'
  | 'identity.token-expired'
  | 'identity.wrong-issuer'
  | 'identity.wrong-audience'
  | 'identity.wrong-scope'
  | 'identity.invalid-subject'
  | 'identity.organization-not-served'
  | 'identity.provider-unavailable'
  | 'identity.other-user'
  | 'identity.other-device'
  | 'identity.session-required'
  | 'identity.bearer-withdrawn'
  | 'identity.off-boarded'
  | 'identity.machine-disabled'
  | 'identity.machine-other-organization'
  | 'identity.on-behalf-not-allowed'
  | 'identity.on-behalf-outside-organization'
  // The domain.
  | 'kms.locked'
  | 'kms.not-authorized'
  | 'kms.unknown-key'
  | 'kms.unknown-resource'
  | 'kms.unknown-authorization'
  | 'kms.unknown-session'
  | 'kms.key-already-bound'
  | 'kms.key-expired'
  | 'kms.not-key-creator'
  | 'kms.too-many-sessions'
  | 'kms.too-many-keys'
  | 'kms.person-not-allowed'
  | 'kms.feature-not-granted'
  | 'kms.answer-too-large'
  // Rooms: what core and realm do together.
  | 'rooms.parts-disagree'
  | 'rooms.withdrawn'
  | 'rooms.repeated'
  // Erasure of a person: what must happen first.
  | 'erasure.unknown-person'
  | 'erasure.machine-account'
  | 'erasure.not-off-boarded'
  | 'erasure.still-authorized'
  | 'erasure.not-acknowledged'
  | 'erasure.withdrawals-owed'
  // Search: what the core is told where a realm gives no hashes.
  | 'indexer.not-granted'
  | 'indexer.search-key-shared'
  | 'indexer.key-of-a-room'
  | 'indexer.query-not-opened'
  | 'indexer.query-malformed'
  | 'indexer.too-many-words'
  // A peer's certificate: both ends of a federated connection ask the same of it.
  | 'federation.certificate-missing'
  | 'federation.certificate-unfit'
  | 'federation.certificate-name'
  | 'federation.certificate-not-yet-valid'
  | 'federation.certificate-expired'
  | 'federation.certificate-revoked'
  | 'federation.certificate-untrusted'
  | 'federation.issuer-may-issue-authorities'
  | 'federation.crl-stale'
  | 'federation.crl-missing'
  | 'federation.anchors-unusable'
  // What crosses, and who may.
  | 'federation.closed'
  | 'federation.not-listed'
  | 'federation.blocked'
  | 'federation.not-forwarded'
  | 'federation.claim-conflict'
  | 'federation.user-not-pinned'
  | 'federation.denied-by-home'
  | 'federation.not-pinned-at-home'
  | 'federation.answer-wrong'
  | 'federation.statement-wrong'
  // The way to a peer.
  | 'federation.key-exchange-classical'
  | 'federation.unknown-host'
  | 'federation.peer-unreachable'
  | 'federation.peer-timed-out'
  | 'federation.peer-broken'
  | 'federation.peer-busy'
  | 'federation.peer-floods'
  | 'federation.question-malformed'
  | 'federation.refused-by-peer'
  | 'federation.answer-too-large'
  | 'federation.answer-malformed'
  // Frames on the line between realm and core; no client ever sees these.
  | 'boundary.malformed-frame'
  | 'boundary.oversized-frame'
  | 'boundary.unknown-version'

export interface Refusal {
  readonly refused: RefusalCode
  /** What it is about, for the audit log only: a URI or a member name, never a value of a secret. */
  readonly about?: string
}

export const refuse = (refused: RefusalCode, about?: string): Refusal =>
  about === undefined ? { refused } : { refused, about }

export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'refused' in value
