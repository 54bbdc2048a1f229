// What the TLS library itself found of the other end's chain: signatures, dates, purposes and path to an anchor (RFC 5280 §6), by
// other code than our policy's. Node tells a client; a server it tells only inside, so that both ends are asked there.

import type { TLSSocket } from 'node:tls'

/** After the handshake: true only if OpenSSL led the chain to an anchor of this connection. False where it will not say. */
export const isVerifiedByTls = (socket: TLSSocket): boolean => {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('verifyError' in handle)) return false
  const { verifyError } = handle
  return typeof verifyError === 'function' && verifyError.call(handle) === null
}
