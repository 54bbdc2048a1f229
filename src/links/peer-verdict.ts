// What the TLS library itself found of the other end's chain: signatures, dates, purposes and path to an anchor (RFC 5280 §6), by
// other code than our policy's. Node tells a client; a server it tells only inside, so that both ends are asked there.

import type { TLSSocket } from 'node:tls'

/** After the chain was shown: true only if OpenSSL led it to an anchor of this connection. False where it will not say. */
export const isVerifiedByTls = (socket: TLSSocket): boolean => {
  // Not `_handle`, which may outlive what it asks: `ssl` is null as soon as there is nobody to ask.
  const ssl: unknown = Reflect.get(socket, 'ssl')
  if (typeof ssl !== 'object' || ssl === null || !('verifyError' in ssl)) return false
  const { verifyError } = ssl
  return typeof verifyError === 'function' && verifyError.call(ssl) === null
}
