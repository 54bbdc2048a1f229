// What certificates of peers are measured by, made of the operator's files: anchors that hold for every domain, anchors that hold for
// one, and revocation lists. A domain that has anchors of its own has no others. Lists speak for whoever signed them (RFC 5280 §5).

import { isRefusal, type Refusal } from '../refusal.ts'
import type { Instant } from '../time.ts'
import { type RevocationList, readRevocationList } from './crl.ts'
import { sha256Hex } from './hash.ts'
import {
  judgePeer,
  type Known,
  know,
  type PeerCertificate,
  type PeerQuestion,
} from './peer-certificate.ts'

/** A value: new files make a new one. */
export interface PeerTrust {
  /**
   * PEM of each anchor that holds for `domain`; without one, of each that holds for anybody: for the TLS library's own
   * opinion beside ours. The same array for the same answer.
   */
  anchorsPem(domain?: string): readonly string[]
  anchorsOf(domain: string): HeldAnchors
  /** Domains of which nobody is accepted: what their own anchors are cannot be relied upon. */
  readonly unusableFor: readonly string[]
  /** The peer, or a Refusal `federation.certificate-…`, `federation.issuer-…`, `federation.crl-…`, `federation.anchors-unusable`. */
  judge(question: PeerQuestion): PeerCertificate | Refusal
}

/** Which anchors hold for a domain, and why these. */
export interface HeldAnchors {
  readonly scope: 'every-domain' | 'this-domain' | 'unusable'
  /** SHA-256 of each, lower-case hex. */
  readonly sha256: readonly string[]
}

export interface PeerTrustFiles {
  /** Contents of PEM files, one or more certificates each: for every domain without anchors of its own. */
  readonly anchors: readonly string[]
  /** The same for single domains. None, or one that is none, and nobody of that domain is accepted. */
  readonly anchorsOf?: ReadonlyMap<string, readonly string[]>
  /** Contents of PEM or DER files, one list each. */
  readonly revocationLists: readonly Uint8Array[]
  /** Refuse a certificate whose issuer has given no list. */
  readonly isRevocationRequired: boolean
}

/** Which file of which kind cannot be used, counted from 0. */
export interface PeerTrustProblem {
  readonly unusable: 'anchor' | 'revocation-list'
  readonly at: number
}

export const isPeerTrustProblem = (value: object): value is PeerTrustProblem => 'unusable' in value

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

const readAnchors = (pem: string): readonly Known[] | undefined => {
  try {
    const found = (pem.match(CERTIFICATE) ?? []).map(know)
    return found.length > 0 && found.every(({ node }) => node.ca) ? found : undefined
  } catch {
    return undefined
  }
}

const readTied = (files: readonly string[]): readonly Known[] | undefined => {
  const found = files.map(readAnchors)
  const whole = found.filter((one) => one !== undefined)
  return whole.length > 0 && whole.length === found.length ? whole.flat() : undefined
}

/** Anchors and lists, or the first file of all domains that cannot be relied upon: then nothing changes. */
export const readPeerTrust = (files: PeerTrustFiles): PeerTrust | PeerTrustProblem => {
  const general: Known[] = []
  for (const [at, pem] of files.anchors.entries()) {
    const found = readAnchors(pem)
    if (found === undefined) return { unusable: 'anchor', at }
    general.push(...found)
  }
  const lists: RevocationList[] = []
  for (const [at, file] of files.revocationLists.entries()) {
    const list = readRevocationList(file)
    if (list === undefined) return { unusable: 'revocation-list', at }
    lists.push(list)
  }
  const tied = new Map<string, readonly Known[] | undefined>()
  for (const [domain, pems] of files.anchorsOf ?? []) tied.set(domain, readTied(pems))
  return trustOf({ general, tied }, lists, files.isRevocationRequired)
}

interface Anchors {
  readonly general: readonly Known[]
  readonly tied: ReadonlyMap<string, readonly Known[] | undefined>
}

const pemsOf = (anchors: readonly Known[]): readonly string[] => [
  ...new Set(anchors.map(({ node }) => node.toString())),
]

const trustOf = (
  { general, tied }: Anchors,
  lists: readonly RevocationList[],
  isRevocationRequired: boolean,
): PeerTrust => {
  const anchorsOf = (domain: string) => (tied.has(domain) ? tied.get(domain) : general)
  const generalPem = pemsOf(general)
  const tiedPem = new Map([...tied].map(([domain, own]) => [domain, pemsOf(own ?? [])]))
  const allPem =
    tied.size === 0 ? generalPem : [...new Set([generalPem, ...tiedPem.values()].flat())]
  const rules = { anchorsOf, lists, isRevocationRequired }
  return {
    anchorsPem: (domain) => (domain === undefined ? allPem : (tiedPem.get(domain) ?? generalPem)),
    anchorsOf(domain) {
      const held = anchorsOf(domain)
      const ofHeld = tied.has(domain) ? 'this-domain' : 'every-domain'
      return {
        scope: held === undefined ? 'unusable' : ofHeld,
        sha256: (held ?? []).map(({ node }) => sha256Hex(new Uint8Array(node.raw))),
      }
    },
    unusableFor: [...tied].filter(([, own]) => own === undefined).map(([domain]) => domain),
    judge: remembering((question) => judgePeer(question, rules)),
  }
}

type Judge = PeerTrust['judge']

/** Chains remembered; each is some peer's. */
const ACCEPTED_MOST = 256

/**
 * Parsing and verifying a chain costs milliseconds, and a peer shows the same one each time. Only what was accepted is remembered, by its
 * exact bytes, and no longer than it may be relied upon; other trust is another memory.
 */
const remembering = (judge: Judge): Judge => {
  const accepted = new Map<string, { readonly by: PeerCertificate; readonly since: Instant }>()
  return (question) => {
    const name = question.chain.map(sha256Hex).join()
    const { by, since } = accepted.get(name) ?? {}
    const { expected, now } = question
    const isSame = by !== undefined && (expected === undefined || expected === by.domain)
    if (isSame && since !== undefined && now >= since && now < by.until) return by
    const verdict = judge(question)
    if (isRefusal(verdict)) return verdict
    accepted.delete(name)
    accepted.set(name, { by: verdict, since: now })
    const oldest = accepted.keys().next()
    if (accepted.size > ACCEPTED_MOST && !oldest.done) accepted.delete(oldest.value)
    return verdict
  }
}
