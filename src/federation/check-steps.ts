// The steps of a dry run against a partner, and for each refusal the step that it means and what an operator has to do.

import type { RefusalCode } from '../refusal.ts'

/** In the order in which they can fail. */
export const CHECK_STEPS = [
  'policy',
  'way',
  'name',
  'chain',
  'issuer',
  'revocation',
  'key-exchange',
  'our-certificate',
  'their-policy',
  'protocol',
  'state',
  'refusal',
  'round-trips',
] as const
export type CheckStep = (typeof CHECK_STEPS)[number]

const FIXES: Partial<Readonly<Record<RefusalCode, readonly [CheckStep, string]>>> = {
  'federation.closed': ['policy', 'set federation.mode to open or listed, and start again'],
  'federation.not-listed': ['policy', 'add the domain to federation.listed, and start again'],
  'federation.blocked': ['policy', 'an administrator has blocked it: peers unblock'],
  'federation.unknown-host': [
    'way',
    'nobody of that name is on our core: the partner connects its realm, or federation.carrier.direct names its address',
  ],
  'federation.peer-unreachable': [
    'way',
    'the partner’s realm is away, or its port is closed; ask its operator',
  ],
  'federation.peer-busy': ['way', 'too many connections are open: try again in a minute'],
  'federation.peer-timed-out': [
    'way',
    'it was found and did not answer in time: look at load and firewalls on both sides',
  ],
  'federation.peer-broken': [
    'way',
    'it broke the connection off: the logs of both sides say why, under this tracking id',
  ],
  'federation.certificate-missing': ['name', 'the partner’s realm presents no certificate'],
  'federation.certificate-name': [
    'name',
    'the certificate must carry exactly this domain as its one DNS name: the partner renews it',
  ],
  'federation.certificate-unfit': [
    'name',
    'the certificate is not fit for both ends of a connection (key usage, key size, hash): the partner renews it',
  ],
  'federation.certificate-not-yet-valid': ['chain', 'compare the clocks of both sides'],
  'federation.certificate-expired': ['chain', 'the partner renews its certificate'],
  'federation.certificate-untrusted': [
    'chain',
    'put the partner’s authority into trust/DOMAIN (or trust, for every domain without such a folder), after its fingerprint was compared by another way',
  ],
  'federation.anchors-unusable': [
    'chain',
    'our folder of anchors for this domain cannot be relied upon: keyrealm preflight says what is wrong with it',
  ],
  'federation.issuer-may-issue-authorities': [
    'issuer',
    'the authority that signed the certificate may make authorities: it needs one with pathLenConstraint 0',
  ],
  'federation.certificate-revoked': [
    'revocation',
    'the certificate was revoked: the partner renews it',
  ],
  'federation.crl-missing': [
    'revocation',
    'put the authority’s revocation list into our folder of lists',
  ],
  'federation.crl-stale': ['revocation', 'fetch the authority’s newest revocation list'],
  'federation.key-exchange-classical': [
    'key-exchange',
    'one side requires X25519MLKEM768 and the other does not offer it',
  ],
  'federation.refused-by-peer': [
    'our-certificate',
    'it refuses our certificate: its operator finds the entry peer.refused in its log',
  ],
}

const FALLBACK = ['protocol', 'the partner’s realm speaks another protocol, or is broken'] as const

export const fixOf = (code: RefusalCode): readonly [CheckStep, string] => FIXES[code] ?? FALLBACK
