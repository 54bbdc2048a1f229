// The name of a peer: the DNS name of its KMS, as its certificate proves it and as its URIs carry it. Nothing is repaired:
// upper case, a trailing dot, a port, an IP address or a wildcard is no peer's name.

declare const peerDomain: unique symbol

/** A DNS name in lower case, with at least two labels, at most 253 characters. */
export type PeerDomain = string & { readonly [peerDomain]: true }

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
/** The last label has a letter: an IPv4 address is no domain (RFC 1123 §2.1). */
const DOMAIN = new RegExp(`^(?:${LABEL}\\.)+(?=[a-z0-9-]*[a-z])${LABEL}$`)
const DOMAIN_MAX_CHARS = 253

/** `raw` as it is, or undefined. */
export const parsePeerDomain = (raw: unknown): PeerDomain | undefined =>
  typeof raw === 'string' && raw.length <= DOMAIN_MAX_CHARS && DOMAIN.test(raw)
    ? (raw as PeerDomain)
    : undefined
