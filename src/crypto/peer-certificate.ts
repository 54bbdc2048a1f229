// Is this certificate the KMS of that domain? The one policy for both ends of a federated connection (RFC 5280 §6,
// RFC 9525): one exact DNS name, valid now, an issuer that can make no authority, an anchor that holds for that name, not revoked.
// It proves no possession of a key (TLS does) and knows no list of peers (federation does).

// First: the next import does not load without it.
import 'reflect-metadata'

import { X509Certificate } from 'node:crypto'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
} from '@peculiar/x509'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { type Instant, instant } from '../time.ts'
import { plainSerial, type RevocationList } from './crl.ts'
import { sha256Hex } from './hash.ts'
import { RSA_MAX_BITS, RSA_MIN_BITS } from './rsa.ts'

export interface PeerCertificate {
  /** The one name it carries, lower case. */
  readonly domain: string
  /** Of the leaf's DER, lower-case hex. */
  readonly sha256: string
  /** Until when this judgement may be relied upon, if the trust does not change before. */
  readonly until: Instant
}

export interface PeerQuestion {
  /** DER, leaf first, as the peer presented them. */
  readonly chain: readonly Uint8Array[]
  /** Whom the connection is for, where that is known. */
  readonly expected?: string
  readonly now: Instant
}

/** Issuers between a leaf and its anchor, the anchor included. */
const PATH_MOST = 4

/** A certificate, as two libraries read it. */
export interface Known {
  readonly node: X509Certificate
  readonly parsed: ParsedCertificate
}

/** Throws for what is no certificate. */
export const know = (der: Uint8Array | string): Known => {
  const node = new X509Certificate(der)
  return { node, parsed: new ParsedCertificate(new Uint8Array(node.raw)) }
}

export interface Rules {
  /** Those that hold for a domain; undefined where the operator's word on it cannot be relied upon. */
  anchorsOf(domain: string): readonly Known[] | undefined
  readonly lists: readonly RevocationList[]
  readonly isRevocationRequired: boolean
}

/** The peer, or a Refusal `federation.certificate-…`, `federation.issuer-…`, `federation.crl-…`, `federation.anchors-unusable`. */
export const judgePeer = (question: PeerQuestion, rules: Rules): PeerCertificate | Refusal => {
  const presented = readChain(question.chain)
  if (isRefusal(presented)) return presented
  const [leaf, ...others] = presented
  const domain = nameOf(leaf, question.expected) ?? refuse('federation.certificate-name')
  if (isRefusal(domain)) return domain
  const anchors = rules.anchorsOf(domain)
  if (anchors === undefined) return refuse('federation.anchors-unusable', domain)
  const path = pathOf(leaf, others, anchors)
  const about = (no: Refusal): Refusal => refuse(no.refused, no.about ?? domain)
  if (path === undefined) return refuse('federation.certificate-untrusted', domain)
  const until = whyRefused({ leaf, path, now: question.now }, rules)
  return isRefusal(until)
    ? about(until)
    : { domain, sha256: sha256Hex(new Uint8Array(leaf.node.raw)), until }
}

const readChain = (chain: readonly Uint8Array[]): readonly [Known, ...Known[]] | Refusal => {
  try {
    // A longer chain than any that could be accepted is not even read.
    const [leaf, ...others] = chain.slice(0, PATH_MOST + 1).map(know)
    return leaf === undefined ? refuse('federation.certificate-missing') : [leaf, ...others]
  } catch {
    return refuse('federation.certificate-unfit')
  }
}

const ONE_NAME =
  /^DNS:((?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+)$/

/**
 * Node prints all alternative names into one string: only one plain DNS name prints like this. A second name, an
 * address, a wildcard and a quoted trick all print otherwise. The common name is never read (RFC 9525 §2).
 */
export const nameOf = (
  { node }: { readonly node: X509Certificate },
  expected: string | undefined,
): string | undefined => {
  const name = ONE_NAME.exec((node.subjectAltName ?? '').toLowerCase().replace(/^dns:/, 'DNS:'))
  return expected === undefined || name?.[1] === expected ? name?.[1] : undefined
}

const isIssuedBy = (certificate: Known, issuer: Known): boolean =>
  certificate.node.checkIssued(issuer.node) && certificate.node.verify(issuer.node.publicKey)

/** Issuers from the leaf's own up to an anchor. What was presented beside them is ignored. */
const pathOf = (
  leaf: Known,
  presented: readonly Known[],
  anchors: readonly Known[],
): readonly [Known, ...Known[]] | undefined => {
  const between: Known[] = []
  let below = leaf
  while (between.length < PATH_MOST) {
    const anchor = anchors.find((one) => isIssuedBy(below, one))
    const issuer = anchor ?? presented.find((one) => one !== below && isIssuedBy(below, one))
    if (issuer === undefined) return undefined
    const [first, ...rest] = [...between, issuer]
    if (anchor !== undefined && first !== undefined) return [first, ...rest]
    between.push(issuer)
    below = issuer
  }
  return undefined
}

interface Path {
  readonly leaf: Known
  readonly path: readonly [Known, ...Known[]]
  readonly now: Instant
}

/** Why not, or until when this holds. */
const whyRefused = ({ leaf, path, now }: Path, rules: Rules): Instant | Refusal => {
  const [issuer, ...above] = path
  const all = [leaf, ...path]
  const no =
    all.map(whyNotUnderstood).find(isRefusal) ??
    whyUnfit(leaf) ??
    path.map(whyNoAuthority).find(isRefusal) ??
    whyMayIssueAuthorities(issuer) ??
    above.map((one, index) => whyTooLong(one, index + 1)).find(isRefusal) ??
    all.map(({ node }) => whyNotNow(node, now)).find(isRefusal)
  if (no !== undefined) return no
  let until = Math.min(...all.map(({ node }) => node.validToDate.getTime()))
  let below = leaf
  for (const one of path) {
    const fresh = whyRevoked(below, one, { now, rules })
    if (isRefusal(fresh)) return fresh
    until = Math.min(until, fresh ?? until)
    below = one
  }
  return instant(until)
}

const UNDERSTOOD = new Set([
  '2.5.29.15', // key usage
  '2.5.29.17', // subject alternative name
  '2.5.29.19', // basic constraints
  '2.5.29.32', // policies: none is asked for
  '2.5.29.37', // extended key usage
])
const NAME_CONSTRAINTS = '2.5.29.30'
const STRONG_HASHES = new Set(['SHA-256', 'SHA-384', 'SHA-512'])

/** RFC 5280 §4.2: what is critical and not understood refuses. So do constraints on names, which nobody here evaluates. */
const whyNotUnderstood = ({ parsed }: Known): Refusal | undefined => {
  const isUnderstood = parsed.extensions.every(({ type, critical }) =>
    critical ? UNDERSTOOD.has(type) : type !== NAME_CONSTRAINTS,
  )
  return isUnderstood && isSignedStrongly(parsed)
    ? undefined
    : refuse('federation.certificate-unfit')
}

const isSignedStrongly = ({ signatureAlgorithm }: ParsedCertificate): boolean => {
  const { hash } = signatureAlgorithm
  const isEd25519 = 'name' in signatureAlgorithm && signatureAlgorithm.name === 'Ed25519'
  return isEd25519 || (hash !== undefined && STRONG_HASHES.has(nameOfHash(hash)))
}

const nameOfHash = (hash: string | { readonly name: string }): string =>
  typeof hash === 'string' ? hash : hash.name

/** Where it says what its key is for, signing is among it: a TLS 1.3 handshake is signed (RFC 8446 §4.4.2.2). */
const maySign = ({ parsed }: Known): boolean => {
  const usages = parsed.getExtension(KeyUsagesExtension)?.usages
  return usages === undefined || (usages & KeyUsageFlags.digitalSignature) !== 0
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const EC_CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/** An end entity with a key that still holds, meant for both ends of a connection. */
const whyUnfit = ({ node, parsed }: Known): Refusal | undefined => {
  // Node's `ca` asks the key usage as well: a leaf that calls itself an authority may still say false there.
  const isAuthority = node.ca || parsed.getExtension(BasicConstraintsExtension)?.ca === true
  // `keyUsage` is what Node calls the extended key usage.
  const uses = node.keyUsage ?? []
  const isForBoth = uses.includes(SERVER_AUTH) && uses.includes(CLIENT_AUTH)
  return !isAuthority && isForBoth && maySign({ node, parsed }) && isStrong(node)
    ? undefined
    : refuse('federation.certificate-unfit')
}

const isStrong = ({ publicKey }: X509Certificate): boolean => {
  const { modulusLength = 0, namedCurve = '' } = publicKey.asymmetricKeyDetails ?? {}
  if (publicKey.asymmetricKeyType === 'rsa') {
    return modulusLength >= RSA_MIN_BITS && modulusLength <= RSA_MAX_BITS
  }
  return publicKey.asymmetricKeyType === 'ec'
    ? EC_CURVES.has(namedCurve)
    : publicKey.asymmetricKeyType === 'ed25519'
}

const whyNoAuthority = ({ node }: Known): Refusal | undefined =>
  node.ca && isStrong(node) ? undefined : refuse('federation.certificate-untrusted')

const pathLengthOf = ({ parsed }: Known): number | undefined =>
  parsed.getExtension(BasicConstraintsExtension)?.pathLength

/** Whoever may make authorities could make one that nobody here has ever looked at (RFC 5280 §4.2.1.9). */
const whyMayIssueAuthorities = (issuer: Known): Refusal | undefined =>
  pathLengthOf(issuer) === 0 ? undefined : refuse('federation.issuer-may-issue-authorities')

/** `below`: how many authorities stand below this one on the path. */
const whyTooLong = (authority: Known, below: number): Refusal | undefined =>
  (pathLengthOf(authority) ?? below) >= below
    ? undefined
    : refuse('federation.certificate-untrusted')

const whyNotNow = (
  { validFromDate, validToDate }: X509Certificate,
  now: Instant,
): Refusal | undefined => {
  if (now < validFromDate.getTime()) return refuse('federation.certificate-not-yet-valid')
  return now > validToDate.getTime() ? refuse('federation.certificate-expired') : undefined
}

/** Until when the issuer's word about this certificate holds; undefined where it need not give any. */
const whyRevoked = (
  certificate: Known,
  issuer: Known,
  { now, rules }: { readonly now: Instant; readonly rules: Rules },
): Instant | Refusal | undefined => {
  const lists = rules.lists.filter(
    (list) => list.issuer === issuer.parsed.subject && list.isSignedBy(issuer.node.publicKey),
  )
  const serial = plainSerial(certificate.node.serialNumber)
  // Once revoked is revoked, however old or young the list that says so.
  if (lists.some((list) => list.serials.has(serial))) {
    return refuse('federation.certificate-revoked')
  }
  if (lists.length === 0) {
    return rules.isRevocationRequired ? refuse('federation.crl-missing') : undefined
  }
  const fresh = lists.filter((list) => list.thisUpdate <= now && now < list.nextUpdate)
  return fresh.length === 0
    ? refuse('federation.crl-stale')
    : instant(Math.max(...fresh.map(({ nextUpdate }) => nextUpdate)))
}
