// What a caller is told: one row per refusal code, status and reason. "Not found" and "not yours"
// read the same here on purpose; only the audit log knows which it was.

import type { Refusal, RefusalCode } from '../refusal.ts'

export interface Verdict {
  readonly status: number
  readonly reason: string
}

const NOT_AUTHORIZED: Verdict = {
  status: 403,
  reason: 'User is not authorized to access the object named by the request',
}
const TOKEN_REFUSED: Verdict = {
  status: 403,
  reason: 'Failed to resolve authorization token in KmsMessage request for user',
}
const NOT_OPENED: Verdict = { status: 499, reason: 'No channel opens this message' }
const INVALID_URI: Verdict = { status: 400, reason: 'Invalid URI in KmsMessage request.' }
const PEER_NOT_PROVEN: Verdict = {
  status: 403,
  reason: 'The KMS of the other organisation could not prove who it is',
}
const peerFailed = (status: number, reason: string): Verdict => ({ status, reason })
const bad = (reason: string): Verdict => ({ status: 400, reason })

export const VERDICTS: Readonly<Record<RefusalCode, Verdict>> = {
  'channel.oversized': NOT_OPENED,
  'channel.malformed': NOT_OPENED,
  'channel.unknown-static-key': NOT_OPENED,
  'channel.unknown-session': NOT_OPENED,
  'channel.expired-session': NOT_OPENED,
  'channel.not-opened': NOT_OPENED,
  'channel.overloaded': { status: 429, reason: 'Too many requests' },
  'request.not-json': bad('The request is not JSON'),
  'request.too-deep': bad('The request is nested too deeply'),
  'request.duplicate-member': bad('A member of the request is named twice'),
  'request.unknown-member': bad('The request has a member that this operation does not know'),
  'request.invalid': bad('A member of the request is missing or of the wrong form'),
  'request.invalid-uri': INVALID_URI,
  'request.invalid-id': bad('An identifier in the request is not of its form'),
  'request.invalid-count': bad('A count or list in the request is out of range'),
  'request.foreign-host': {
    status: 404,
    reason: 'The URI names another KMS that is not reachable',
  },
  'request.unknown-operation': { status: 405, reason: 'The method does not apply to this URI' },
  'request.id-reused': { status: 409, reason: 'The requestId was used for another request' },
  'request.invalid-point': bad('The public key of the handshake is not a P-256 point'),
  'request.not-supported': { status: 501, reason: 'Customer main keys are not supported' },
  'identity.token-missing': TOKEN_REFUSED,
  'identity.token-malformed': TOKEN_REFUSED,
  'identity.token-untrusted': TOKEN_REFUSED,
  'identity.token-expired': TOKEN_REFUSED,
  'identity.wrong-issuer': TOKEN_REFUSED,
  'identity.wrong-audience': TOKEN_REFUSED,
  'identity.wrong-scope': TOKEN_REFUSED,
  'identity.invalid-subject': TOKEN_REFUSED,
  'identity.organization-not-served': TOKEN_REFUSED,
  'identity.provider-unavailable': { status: 503, reason: 'The token cannot be checked right now' },
  'identity.other-user': TOKEN_REFUSED,
  'identity.other-device': { status: 403, reason: 'The session belongs to another device' },
  'identity.session-required': bad('This operation is not for a handshake message'),
  'identity.bearer-withdrawn': TOKEN_REFUSED,
  'identity.off-boarded': TOKEN_REFUSED,
  'identity.machine-disabled': TOKEN_REFUSED,
  'identity.machine-other-organization': TOKEN_REFUSED,
  'identity.on-behalf-not-allowed': {
    status: 403,
    reason: 'Acting on behalf of another user is not allowed',
  },
  'identity.on-behalf-outside-organization': {
    status: 403,
    reason: 'Acting on behalf of another user is not allowed',
  },
  'kms.locked': { status: 503, reason: 'The realm is locked' },
  'kms.not-authorized': NOT_AUTHORIZED,
  'kms.unknown-key': NOT_AUTHORIZED,
  'kms.unknown-resource': NOT_AUTHORIZED,
  'kms.unknown-authorization': NOT_AUTHORIZED,
  'kms.unknown-session': NOT_AUTHORIZED,
  'kms.key-already-bound': { status: 409, reason: 'The key is bound already' },
  'kms.key-expired': { status: 409, reason: 'The key was not bound in time' },
  'kms.not-key-creator': NOT_AUTHORIZED,
  'kms.too-many-sessions': { status: 429, reason: 'This device has too many live sessions' },
  'kms.too-many-keys': { status: 429, reason: 'This user has too many unbound keys' },
  'kms.person-not-allowed': NOT_AUTHORIZED,
  'kms.feature-not-granted': NOT_AUTHORIZED,
  'rooms.parts-disagree': {
    status: 403,
    reason: 'The request and what the cloud is about to do are not the same',
  },
  'rooms.repeated': {
    status: 409,
    reason: 'The request was answered before and has no effect a second time',
  },
  'rooms.withdrawn': { status: 409, reason: 'The operation was withdrawn' },
  'kms.answer-too-large': { status: 413, reason: 'The answer is too large; ask for a part of it' },
  // Told to the administrator alone, as problems of the admin API with these numbers.
  'erasure.unknown-person': { status: 404, reason: 'Nobody is known under this id' },
  'erasure.machine-account': {
    status: 409,
    reason: 'This is a machine account: it is disabled, not erased',
  },
  'erasure.not-off-boarded': { status: 409, reason: 'First take them out: users off-board' },
  'erasure.still-authorized': {
    status: 409,
    reason: 'They are authorised again or still: users off-board once more',
  },
  'erasure.withdrawals-owed': {
    status: 409,
    reason:
      'A peer has not confirmed yet that it let go of them; one that is never coming back: peers write-off',
  },
  'erasure.not-acknowledged': {
    status: 409,
    reason: 'The cloud has not confirmed yet that they are out of its rooms: wait for it',
  },
  'indexer.not-granted': { status: 503, reason: 'Nothing is indexed here' },
  'indexer.search-key-shared': NOT_AUTHORIZED,
  'indexer.key-of-a-room': NOT_AUTHORIZED,
  'indexer.query-not-opened': bad('The query does not open under the search key'),
  'indexer.query-malformed': bad('The query is not of a known form'),
  'indexer.too-many-words': bad('The query has too many words'),
  'federation.certificate-missing': PEER_NOT_PROVEN,
  'federation.certificate-unfit': PEER_NOT_PROVEN,
  'federation.certificate-name': PEER_NOT_PROVEN,
  'federation.certificate-not-yet-valid': PEER_NOT_PROVEN,
  'federation.certificate-expired': PEER_NOT_PROVEN,
  'federation.certificate-revoked': PEER_NOT_PROVEN,
  'federation.certificate-untrusted': PEER_NOT_PROVEN,
  'federation.issuer-may-issue-authorities': PEER_NOT_PROVEN,
  'federation.crl-stale': PEER_NOT_PROVEN,
  'federation.crl-missing': PEER_NOT_PROVEN,
  'federation.anchors-unusable': PEER_NOT_PROVEN,
  'federation.closed': peerFailed(403, 'This KMS works with no other organisation'),
  'federation.not-listed': peerFailed(403, 'This KMS does not work with that organisation'),
  'federation.blocked': peerFailed(403, 'This KMS does not work with that organisation'),
  'federation.not-forwarded': peerFailed(
    403,
    'This is not done at the KMS of another organisation',
  ),
  // A realm that claims a user must not learn by it whom we know, nor as whose: to clients and peers both are any other "no".
  'federation.claim-conflict': NOT_AUTHORIZED,
  'federation.user-not-pinned': NOT_AUTHORIZED,
  'federation.denied-by-home': NOT_AUTHORIZED,
  'federation.not-pinned-at-home': NOT_AUTHORIZED,
  'federation.answer-wrong': peerFailed(
    502,
    'The KMS of the other organisation answered something else than asked',
  ),
  'federation.statement-wrong': peerFailed(
    502,
    'The KMS of the other organisation has not signed for what it said',
  ),
  'federation.key-exchange-classical': peerFailed(
    403,
    'The KMS of the other organisation offers no post-quantum key exchange',
  ),
  'federation.unknown-host': peerFailed(404, 'No KMS of that name is known'),
  'federation.peer-unreachable': peerFailed(
    503,
    'The KMS of the other organisation cannot be reached',
  ),
  'federation.peer-timed-out': peerFailed(
    504,
    'The KMS of the other organisation did not answer in time',
  ),
  'federation.peer-broken': peerFailed(
    502,
    'The KMS of the other organisation broke off its answer',
  ),
  'federation.peer-busy': peerFailed(
    503,
    'Too many questions to the KMS of the other organisation',
  ),
  'federation.peer-floods': peerFailed(429, 'Too much at once from that organisation'),
  'federation.question-malformed': peerFailed(400, 'That is no question between KMSs'),
  'federation.refused-by-peer': peerFailed(
    403,
    'The KMS of the other organisation refuses this one',
  ),
  'federation.answer-too-large': peerFailed(
    502,
    'The KMS of the other organisation answered too much',
  ),
  'federation.answer-malformed': peerFailed(
    502,
    'The KMS of the other organisation gave no usable answer',
  ),
  'boundary.malformed-frame': bad('The frame is malformed'),
  'boundary.oversized-frame': bad('The frame is too large'),
  'boundary.unknown-version': bad('The frame has another version'),
}

export const verdictOf = (refusal: Refusal): Verdict => VERDICTS[refusal.refused]

/** A Fault behind the channel: the caller learns that it was not their doing, and nothing else. */
export const FAULT_VERDICT: Verdict = { status: 500, reason: 'Internal error' }
