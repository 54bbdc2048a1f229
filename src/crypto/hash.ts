// SHA-256 (FIPS 180-4), the only hash outside HMAC, HKDF and the RSA paddings.

import { hash } from 'node:crypto'

export const sha256 = (data: Uint8Array | string): Uint8Array => hash('sha256', data, 'buffer')

/** Lower case. */
export const sha256Hex = (data: Uint8Array | string): string => hash('sha256', data, 'hex')
